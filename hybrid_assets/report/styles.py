"""The report's one style sheet. Colors are variables, light and dark; classes of charts are named in `drawing`."""

from __future__ import annotations

STYLE = """
:root{--bg:#fafaf8;--card:#fff;--ink:#1d2330;--dim:#5d6675;--edge:#dfe2e8;--grid:#e9ebef;--good:#0a7a4b;
--warn:#9a5b00;
--bad:#b3261e;--c0:#2f6fde;--c1:#d9730d;--c2:#12875f;--c3:#b83280;--c4:#7353d6;--c5:#0f8b9e;--c6:#8a6d1f;--c7:#64748b;
--queue:#c3cad6;--ref:#1d2330}
@media (prefers-color-scheme:dark){:root{--bg:#12151c;--card:#1a1f29;--ink:#e7eaf0;--dim:#9aa4b5;--edge:#2c3442;
--grid:#272e3a;--good:#4cc38a;--warn:#e5a445;--bad:#ff8078;--c0:#7aa7ff;--c1:#ff9d4d;--c2:#4ccf9f;--c3:#f07cc0;
--c4:#ae94ff;
--c5:#4fc9da;--c6:#d3b45f;--c7:#a3afc2;--queue:#495366;--ref:#e7eaf0}}
:root{color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);
font:14px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",
sans-serif;font-variant-numeric:tabular-nums}
main,header,footer{max-width:1200px;margin:0 auto;padding:0 16px}
header{padding-top:20px}header p{color:var(--dim);margin:2px 0 10px}
h1{font-size:22px;margin:0}h2{font-size:16px;margin:0}h3{font-size:13px;margin:16px 0 6px}
a{color:var(--c0)}
.tiles{display:grid;grid-template-columns:repeat(7,minmax(0,1fr));gap:10px;margin:12px 0}
.tile{background:var(--card);border:1px solid var(--edge);border-top:3px solid var(--c7);border-radius:8px;
padding:8px 10px}
.tile h3{margin:0;color:var(--dim);font-weight:500;font-size:12px}.tile b{font-size:21px;overflow-wrap:anywhere}
.tile p{margin:0;color:var(--dim);font-size:11.5px;line-height:1.35;overflow-wrap:anywhere}
.tile.good{border-top-color:var(--good)}.tile.warn{border-top-color:var(--warn)}.tile.bad{border-top-color:var(--bad)}
.cards{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:14px}
.card{background:var(--card);border:1px solid var(--edge);border-radius:8px;padding:14px 16px;min-width:0}
.wide{grid-column:1/-1}.column{display:flex;flex-direction:column;gap:14px;min-width:0}
.why{color:var(--dim);margin:0 0 10px}
.note{color:var(--dim);font-size:12.5px;margin:8px 0 0;overflow-wrap:anywhere}
.missing{border-left:3px solid var(--c7);padding:2px 0 2px 10px;color:var(--dim);margin:10px 0}
.panels{display:grid;gap:14px 20px}.p2{grid-template-columns:repeat(2,minmax(0,1fr))}
.p3{grid-template-columns:repeat(3,minmax(0,1fr))}
figure{margin:0;min-width:0}figcaption{font-weight:600;font-size:13px;margin:4px 0}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--ink)}svg .dim{fill:var(--dim)}svg .strong{font-weight:600}
.scroll{overflow-x:auto;margin-top:8px}table{border-collapse:collapse;width:100%;font-size:12.5px}
th{color:var(--dim);font-weight:500;vertical-align:bottom}
th,td{text-align:left;padding:4px 8px 4px 0;border-bottom:1px solid var(--grid)}td{vertical-align:top;
overflow-wrap:break-word}
.n{text-align:right;white-space:nowrap}td.n{overflow-wrap:normal}
ul{padding-left:18px;margin:6px 0}li{margin:2px 0;overflow-wrap:anywhere}.scopes{font-size:12.5px}
.versions{columns:4 200px;list-style:none;padding:0;font-size:12.5px}
.chip{display:inline-block;border:1px solid currentColor;border-radius:9px;padding:0 7px;font-size:11.5px;
white-space:nowrap}
.chip.good{color:var(--good)}.chip.warn{color:var(--warn)}.chip.bad{color:var(--bad)}.chip.plain{color:var(--dim)}
details{margin-top:10px}summary{cursor:pointer;color:var(--dim);font-size:12.5px}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:11.5px;background:var(--bg);border:1px solid var(--edge);
border-radius:6px;padding:8px}
.legend{font-size:12.5px;color:var(--dim);margin:0}.legend span{margin-right:14px;white-space:nowrap}
.box{display:inline-block;width:12px;height:9px;margin-right:5px;background:currentColor}
footer{color:var(--dim);padding:16px;font-size:12.5px}
.grid{stroke:var(--grid)}line.ref{stroke:var(--ref);stroke-dasharray:5 4;stroke-width:1.2}.key.ref{fill:var(--ref)}
.join,.span{fill:none!important;stroke-width:1.8}.span{stroke-width:1.3;opacity:.65}
.bars{stroke:var(--ink)}.dashed{stroke-dasharray:3 4}
.dots{fill:none!important;stroke-width:6;stroke-linecap:round}
.ring{fill:none!important;stroke-width:1.5}
.queue{fill:var(--queue)}
.state-closed{fill:var(--good)}.state-half_open{fill:var(--warn)}.state-open{fill:var(--bad)}
[class^=cover-]{stroke-width:9;fill:none}
.cover-answered{stroke:var(--c2);color:var(--c2)}.cover-fallback{stroke:var(--warn);color:var(--warn)}
.cover-failed{stroke:var(--bad);color:var(--bad)}.cover-refused{stroke:var(--c3);color:var(--c3)}
.cover-missing{stroke:var(--queue);color:var(--queue)}path.cover-absent{stroke:var(--grid);stroke-width:2}
.cover-absent{color:var(--grid)}
@media screen and (max-width:900px){.cards,.p2,.p3{grid-template-columns:minmax(0,1fr)}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}
.tile:last-child{grid-column:1/-1}}
@page{size:A4 landscape;margin:10mm}
@media print{:root{--bg:#fff;--card:#fff;--ink:#000;--dim:#444;--edge:#ccc;--grid:#e2e2e2;--ref:#000}
.card,.tile,figure,tr{break-inside:avoid}.wide{break-inside:auto}body{font-size:11px}details.sql{display:none}
.scroll{overflow:visible}table{font-size:8.5px}th,td{padding:2px 5px 2px 0}.n,.chip{white-space:normal}
::details-content{content-visibility:visible;height:auto}a{color:inherit}}
""" + "".join(
    f".s{i}{{fill:var(--c{i})}}path.s{i},.ring.s{i}{{stroke:var(--c{i})}}" for i in range(8)
)  # fmt: skip
