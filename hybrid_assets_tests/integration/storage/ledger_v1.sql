-- A ledger as version 1 wrote it; never to be changed.
BEGIN TRANSACTION;
CREATE TABLE batch_kernels (
	batch_id TEXT NOT NULL, 
	position BIGINT NOT NULL, 
	kernel_id TEXT NOT NULL, 
	PRIMARY KEY (batch_id, position), 
	FOREIGN KEY(batch_id) REFERENCES batches (batch_id), 
	FOREIGN KEY(kernel_id) REFERENCES kernels (kernel_id)
);
INSERT INTO "batch_kernels" VALUES('2fd9d8752549aa39197154cb8a5653d9b88b5fb9166d248d500b5550e14fb009',0,'k000000');
INSERT INTO "batch_kernels" VALUES('2fd9d8752549aa39197154cb8a5653d9b88b5fb9166d248d500b5550e14fb009',1,'k000001');
INSERT INTO "batch_kernels" VALUES('557bcb7a4caca57951429c5b8eeced96cabb9f23fcf82733cd53545d45468d7a',0,'k000001');
INSERT INTO "batch_kernels" VALUES('557bcb7a4caca57951429c5b8eeced96cabb9f23fcf82733cd53545d45468d7a',1,'k000002');
CREATE TABLE batches (
	batch_id TEXT NOT NULL, 
	backend TEXT NOT NULL, 
	stage BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	attempt BIGINT NOT NULL, 
	request_id TEXT NOT NULL, 
	planned_at BIGINT NOT NULL, 
	fence BIGINT NOT NULL, 
	lease_owner TEXT, 
	sent_at BIGINT, 
	submitted_at BIGINT, 
	started_at BIGINT, 
	finished_at BIGINT, 
	next_at BIGINT, 
	audited_at BIGINT, 
	lease_until BIGINT, 
	provider_job_id TEXT, 
	num_sends BIGINT NOT NULL, 
	reserved_s DOUBLE NOT NULL, 
	billed_s DOUBLE NOT NULL, 
	error_class TEXT, 
	error_code TEXT, 
	error_message TEXT, 
	PRIMARY KEY (batch_id)
);
INSERT INTO "batches" VALUES('2fd9d8752549aa39197154cb8a5653d9b88b5fb9166d248d500b5550e14fb009','torino',1,'SUCCEEDED',0,'8a157af8db5f211d6f0f0dd1323b9926',1795471201000000,1,NULL,1795471202000000,1795471202000000,NULL,1795471230000000,1795471320000000,NULL,NULL,'job-1',1,4.0,3.5,NULL,NULL,NULL);
INSERT INTO "batches" VALUES('557bcb7a4caca57951429c5b8eeced96cabb9f23fcf82733cd53545d45468d7a','torino',0,'PLANNED',1,'eb81aa9e6aa508c7ee3d6e0ed6c44e37',1795471231000000,1,'a',NULL,NULL,NULL,NULL,NULL,NULL,1795471291000000,NULL,0,4.0,0.0,NULL,NULL,NULL);
CREATE TABLE breakers (
	backend TEXT NOT NULL, 
	state TEXT NOT NULL, 
	consecutive_failures BIGINT NOT NULL, 
	opened_at BIGINT, 
	retry_at BIGINT, 
	probe_at BIGINT, 
	probe_batch_id TEXT, 
	reason TEXT, 
	PRIMARY KEY (backend)
);
INSERT INTO "breakers" VALUES('torino','closed',0,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE budgets (
	budget_id TEXT NOT NULL, 
	team TEXT NOT NULL, 
	window TEXT NOT NULL, 
	limit_s DOUBLE NOT NULL, 
	reserved_s DOUBLE NOT NULL, 
	spent_s DOUBLE NOT NULL, 
	PRIMARY KEY (budget_id)
);
INSERT INTO "budgets" VALUES('red-night','red','2026-11-23',50.0,4.0,3.5);
CREATE TABLE decisions (
	serial INTEGER NOT NULL, 
	decided_at BIGINT NOT NULL, 
	backend TEXT NOT NULL, 
	batch_id TEXT, 
	size BIGINT NOT NULL, 
	"limit" BIGINT, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (serial)
);
INSERT INTO "decisions" VALUES(1,1795471201000000,'torino','2fd9d8752549aa39197154cb8a5653d9b88b5fb9166d248d500b5550e14fb009',2,2,'oldest first');
INSERT INTO "decisions" VALUES(2,1795471231000000,'torino','557bcb7a4caca57951429c5b8eeced96cabb9f23fcf82733cd53545d45468d7a',2,2,'oldest first');
CREATE TABLE duplicates (
	serial INTEGER NOT NULL, 
	batch_id TEXT NOT NULL, 
	backend TEXT NOT NULL, 
	provider_job_id TEXT NOT NULL, 
	status TEXT NOT NULL, 
	billed_s DOUBLE NOT NULL, 
	found_at BIGINT NOT NULL, 
	PRIMARY KEY (serial), 
	UNIQUE (provider_job_id), 
	FOREIGN KEY(batch_id) REFERENCES batches (batch_id)
);
CREATE TABLE events (
	serial INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	backend TEXT NOT NULL, 
	batch_id TEXT, 
	kind TEXT NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (serial)
);
INSERT INTO "events" VALUES(1,1795471203000000,'torino','2fd9d8752549aa39197154cb8a5653d9b88b5fb9166d248d500b5550e14fb009','submitted','job-1');
INSERT INTO "events" VALUES(2,1795471230000000,'torino','2fd9d8752549aa39197154cb8a5653d9b88b5fb9166d248d500b5550e14fb009','finished','SUCCEEDED');
CREATE TABLE kernels (
	kernel_id TEXT NOT NULL, 
	backend TEXT NOT NULL, 
	night TEXT NOT NULL, 
	workload TEXT NOT NULL, 
	instance TEXT NOT NULL, 
	label TEXT NOT NULL, 
	correlation_id TEXT NOT NULL, 
	team TEXT NOT NULL, 
	work_class TEXT NOT NULL, 
	"group" TEXT NOT NULL, 
	rows BIGINT NOT NULL, 
	shots BIGINT NOT NULL, 
	payload_bytes BIGINT NOT NULL, 
	expected_s DOUBLE NOT NULL, 
	state TEXT NOT NULL, 
	enqueued_at BIGINT NOT NULL, 
	inputs_at BIGINT NOT NULL, 
	not_before BIGINT, 
	failed_attempts BIGINT NOT NULL, 
	num_batches BIGINT NOT NULL, 
	batch_id TEXT, 
	split_group TEXT, 
	error_class TEXT, 
	error_code TEXT, 
	error_message TEXT, 
	remedy TEXT, 
	PRIMARY KEY (kernel_id)
);
INSERT INTO "kernels" VALUES('k000000','torino','2026-11-23','maxcut','i0','graph 0','c0','red','production','g',4,1000,10000,2.0,'DONE',1795471200000000,1795467600000000,NULL,0,1,'2fd9d8752549aa39197154cb8a5653d9b88b5fb9166d248d500b5550e14fb009',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "kernels" VALUES('k000001','torino','2026-11-23','maxcut','i1','graph 1','c1','red','production','g',4,1000,10000,2.0,'BATCHED',1795471200001000,1795467600000000,NULL,1,2,'557bcb7a4caca57951429c5b8eeced96cabb9f23fcf82733cd53545d45468d7a',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "kernels" VALUES('k000002','torino','2026-11-23','maxcut','i2','graph 2','c2','red','production','g',4,1000,10000,2.0,'BATCHED',1795471200002000,1795467600000000,NULL,0,1,'557bcb7a4caca57951429c5b8eeced96cabb9f23fcf82733cd53545d45468d7a',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "kernels" VALUES('k000003','torino','2026-11-23','maxcut','i3','graph 3','c3','red','production','g',4,1000,10000,2.0,'READY',1795471200003000,1795467600000000,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "kernels" VALUES('k000004','torino','2026-11-23','maxcut','i4','graph 4','c4','red','production','g',4,1000,10000,2.0,'READY',1795471200004000,1795467600000000,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE reservations (
	batch_id TEXT NOT NULL, 
	position BIGINT NOT NULL, 
	budget_id TEXT NOT NULL, 
	reserved_s DOUBLE NOT NULL, 
	PRIMARY KEY (batch_id, position), 
	FOREIGN KEY(batch_id) REFERENCES batches (batch_id), 
	FOREIGN KEY(budget_id) REFERENCES budgets (budget_id)
);
INSERT INTO "reservations" VALUES('2fd9d8752549aa39197154cb8a5653d9b88b5fb9166d248d500b5550e14fb009',0,'red-night',4.0);
INSERT INTO "reservations" VALUES('557bcb7a4caca57951429c5b8eeced96cabb9f23fcf82733cd53545d45468d7a',0,'red-night',4.0);
CREATE TABLE schema_version (
	version BIGINT NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(1);
CREATE TABLE sends (
	serial INTEGER NOT NULL, 
	batch_id TEXT NOT NULL, 
	backend TEXT NOT NULL, 
	fence BIGINT NOT NULL, 
	sent_at BIGINT NOT NULL, 
	PRIMARY KEY (serial), 
	FOREIGN KEY(batch_id) REFERENCES batches (batch_id)
);
INSERT INTO "sends" VALUES(1,'2fd9d8752549aa39197154cb8a5653d9b88b5fb9166d248d500b5550e14fb009','torino',1,1795471202000000);
CREATE INDEX kernels_night ON kernels (night, workload);
CREATE INDEX kernels_queue ON kernels (backend, state, enqueued_at, kernel_id, not_before);
CREATE INDEX batches_stage ON batches (backend, stage, planned_at, batch_id);
CREATE INDEX decisions_backend ON decisions (backend);
CREATE INDEX events_backend ON events (backend, kind);
CREATE INDEX ix_batch_kernels_kernel_id ON batch_kernels (kernel_id);
CREATE INDEX sends_backend ON sends (backend, sent_at);
COMMIT;
