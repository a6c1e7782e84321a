-- A ledger as version 4 wrote it; never to be changed.
BEGIN TRANSACTION;
CREATE TABLE approvals (
	serial INTEGER NOT NULL, 
	night TEXT NOT NULL, 
	workload TEXT NOT NULL, 
	plan_hash TEXT NOT NULL, 
	decision TEXT NOT NULL, 
	signer TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	decided_at BIGINT NOT NULL, 
	expires_at BIGINT, 
	parts TEXT NOT NULL, 
	PRIMARY KEY (serial)
);
CREATE TABLE batch_kernels (
	batch_id TEXT NOT NULL, 
	position BIGINT NOT NULL, 
	kernel_id TEXT NOT NULL, 
	PRIMARY KEY (batch_id, position), 
	FOREIGN KEY(batch_id) REFERENCES batches (batch_id), 
	FOREIGN KEY(kernel_id) REFERENCES kernels (kernel_id)
);
INSERT INTO "batch_kernels" VALUES('ffdb2800d780287b2217968f069366b7866f9f0345a7d1cb2c34dc13ed2ae694',0,'k000000');
INSERT INTO "batch_kernels" VALUES('7d57e71b24c9b553b04c0da993c77ff46f908ffb94dcaaf3794d10a62c426c15',0,'k000001');
CREATE TABLE batch_shares (
	batch_id TEXT NOT NULL, 
	night TEXT NOT NULL, 
	workload TEXT NOT NULL, 
	team TEXT NOT NULL, 
	work_class TEXT NOT NULL, 
	expected_s DOUBLE NOT NULL, 
	PRIMARY KEY (batch_id, night, workload, team, work_class), 
	FOREIGN KEY(batch_id) REFERENCES batches (batch_id)
);
INSERT INTO "batch_shares" VALUES('ffdb2800d780287b2217968f069366b7866f9f0345a7d1cb2c34dc13ed2ae694','2026-11-23','maxcut','red','production',0.25);
INSERT INTO "batch_shares" VALUES('7d57e71b24c9b553b04c0da993c77ff46f908ffb94dcaaf3794d10a62c426c15','2026-11-23','maxcut','red','production',0.25);
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
	price_per_s DOUBLE NOT NULL, 
	PRIMARY KEY (batch_id)
);
INSERT INTO "batches" VALUES('ffdb2800d780287b2217968f069366b7866f9f0345a7d1cb2c34dc13ed2ae694','ankaa',2,'SUCCEEDED',0,'4d6d23a72dc65140f75d2263b93ee76e',1795471210000000,2,NULL,1795471212000000,1795471212000000,1795471220000000,1795471230000000,1795471260000000,1795471300000000,NULL,'task-1',1,0.55,0.5,NULL,NULL,NULL,1.0);
INSERT INTO "batches" VALUES('7d57e71b24c9b553b04c0da993c77ff46f908ffb94dcaaf3794d10a62c426c15','ankaa',0,'PLANNED',0,'08ef91823b527f7bf94001f8df4fb366',1795471211000000,2,'w',NULL,NULL,NULL,NULL,NULL,NULL,1795471360000000,NULL,0,0.55,0.0,NULL,NULL,NULL,1.0);
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
INSERT INTO "breakers" VALUES('ankaa','closed',0,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE budgets (
	budget_id TEXT NOT NULL, 
	team TEXT NOT NULL, 
	window TEXT NOT NULL, 
	"limit" DOUBLE NOT NULL, 
	reserved DOUBLE NOT NULL, 
	spent DOUBLE NOT NULL, 
	unit TEXT NOT NULL, 
	PRIMARY KEY (budget_id)
);
INSERT INTO "budgets" VALUES('red-money','red','2026-11-23',50.0,0.55,1.0,'money');
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
INSERT INTO "decisions" VALUES(1,1795471210000000,'ankaa','ffdb2800d780287b2217968f069366b7866f9f0345a7d1cb2c34dc13ed2ae694',1,1,'oldest first');
INSERT INTO "decisions" VALUES(2,1795471211000000,'ankaa','7d57e71b24c9b553b04c0da993c77ff46f908ffb94dcaaf3794d10a62c426c15',1,1,'oldest first');
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
INSERT INTO "duplicates" VALUES(1,'ffdb2800d780287b2217968f069366b7866f9f0345a7d1cb2c34dc13ed2ae694','ankaa','task-2','SUCCEEDED',0.5,1795471300000000);
CREATE TABLE events (
	serial INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	backend TEXT NOT NULL, 
	batch_id TEXT, 
	kind TEXT NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (serial)
);
INSERT INTO "events" VALUES(1,1795471212000000,'ankaa','ffdb2800d780287b2217968f069366b7866f9f0345a7d1cb2c34dc13ed2ae694','submitted','task-1');
INSERT INTO "events" VALUES(2,1795471230000000,'ankaa','ffdb2800d780287b2217968f069366b7866f9f0345a7d1cb2c34dc13ed2ae694','finished','SUCCEEDED');
INSERT INTO "events" VALUES(3,1795471300000000,'ankaa','ffdb2800d780287b2217968f069366b7866f9f0345a7d1cb2c34dc13ed2ae694','duplicate','task-2 SUCCEEDED 0.5 s');
CREATE TABLE kernel_counts (
	backend TEXT NOT NULL, 
	night TEXT NOT NULL, 
	workload TEXT NOT NULL, 
	state TEXT NOT NULL, 
	num_kernels BIGINT NOT NULL, 
	PRIMARY KEY (backend, night, workload, state)
);
INSERT INTO "kernel_counts" VALUES('ankaa','2026-11-23','maxcut','READY',1);
INSERT INTO "kernel_counts" VALUES('ankaa','2026-11-23','maxcut','BATCHED',1);
INSERT INTO "kernel_counts" VALUES('ankaa','2026-11-23','maxcut','DONE',1);
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
INSERT INTO "kernels" VALUES('k000000','ankaa','2026-11-23','maxcut','i0','graph 0','c0','red','production','g',4,1000,10000,0.25,'DONE',1795471200000000,1795467600000000,NULL,0,1,'ffdb2800d780287b2217968f069366b7866f9f0345a7d1cb2c34dc13ed2ae694',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "kernels" VALUES('k000001','ankaa','2026-11-23','maxcut','i1','graph 1','c1','red','production','g',4,1000,10000,0.25,'BATCHED',1795471200001000,1795467600000000,NULL,0,1,'7d57e71b24c9b553b04c0da993c77ff46f908ffb94dcaaf3794d10a62c426c15',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "kernels" VALUES('k000002','ankaa','2026-11-23','maxcut','i2','graph 2','c2','red','production','g',4,1000,10000,0.25,'READY',1795471200002000,1795467600000000,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE placements (
	backend TEXT NOT NULL, 
	base_key TEXT NOT NULL, 
	compile_key TEXT NOT NULL, 
	calibration_id TEXT NOT NULL, 
	score DOUBLE NOT NULL, 
	decided_at BIGINT NOT NULL, 
	action TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (backend, base_key)
);
CREATE TABLE reservations (
	batch_id TEXT NOT NULL, 
	position BIGINT NOT NULL, 
	budget_id TEXT NOT NULL, 
	amount DOUBLE NOT NULL, 
	unit TEXT NOT NULL, 
	PRIMARY KEY (batch_id, position), 
	FOREIGN KEY(batch_id) REFERENCES batches (batch_id), 
	FOREIGN KEY(budget_id) REFERENCES budgets (budget_id)
);
INSERT INTO "reservations" VALUES('ffdb2800d780287b2217968f069366b7866f9f0345a7d1cb2c34dc13ed2ae694',0,'red-money',0.55,'money');
INSERT INTO "reservations" VALUES('7d57e71b24c9b553b04c0da993c77ff46f908ffb94dcaaf3794d10a62c426c15',0,'red-money',0.55,'money');
CREATE TABLE schema_version (
	version BIGINT NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(4);
CREATE TABLE sends (
	serial INTEGER NOT NULL, 
	batch_id TEXT NOT NULL, 
	backend TEXT NOT NULL, 
	fence BIGINT NOT NULL, 
	sent_at BIGINT NOT NULL, 
	PRIMARY KEY (serial), 
	FOREIGN KEY(batch_id) REFERENCES batches (batch_id)
);
INSERT INTO "sends" VALUES(1,'ffdb2800d780287b2217968f069366b7866f9f0345a7d1cb2c34dc13ed2ae694','ankaa',1,1795471212000000);
CREATE INDEX kernels_queue ON kernels (backend, state, not_before, enqueued_at, kernel_id);
CREATE INDEX kernels_held ON kernels (backend, state, enqueued_at, kernel_id, not_before) WHERE not_before IS NOT NULL;
CREATE INDEX kernels_night ON kernels (night, workload);
CREATE INDEX batches_stage ON batches (backend, stage, planned_at, batch_id);
CREATE INDEX batches_finished ON batches (backend, finished_at, batch_id);
CREATE INDEX decisions_waits ON decisions (backend, reason, serial) WHERE batch_id IS NULL;
CREATE INDEX decisions_backend ON decisions (backend);
CREATE INDEX events_backend ON events (backend, kind);
CREATE INDEX approvals_plan ON approvals (night, workload, plan_hash);
CREATE INDEX ix_batch_kernels_kernel_id ON batch_kernels (kernel_id);
CREATE INDEX batch_shares_workload ON batch_shares (workload, batch_id);
CREATE INDEX batch_shares_night ON batch_shares (night, workload, batch_id);
CREATE INDEX sends_backend ON sends (backend, sent_at);
COMMIT;
