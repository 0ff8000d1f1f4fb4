/** How the HTML report looks: each colour once, for light and for dark; paper is light. Held to be readable by a test of contrasts. */

/** Light, dark. */
export const colours = {
  ground: ["#f6f6f3", "#14161a"],
  surface: ["#ffffff", "#1d2025"],
  ink: ["#1b1e22", "#e9ebee"],
  dim: ["#5a6068", "#a7afb8"],
  edge: ["#d9dbdc", "#363c44"],
  passed: ["#1a7337", "#56c576"],
  failed: ["#bd1f2d", "#ff8a80"],
  known: ["#855500", "#e3b04b"],
  unsupported: ["#626a73", "#9aa4af"],
  inconclusive: ["#7338bd", "#c59bff"],
  link: ["#0a5bb8", "#7cb8ff"],
  middle: ["#1f6fd0", "#6cabff"],
  tail: ["#c2500f", "#ff9f52"],
} as const;

const tokens = Object.entries(colours).map(
  ([name, [light, dark]]) => `--${name}:light-dark(${light},${dark})`,
);
const standings = ["passed", "failed", "known", "unsupported", "inconclusive"];

export const style = `
:root{color-scheme:light dark;${tokens.join(";")};--sans:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;--mono:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 var(--sans);font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
header,main,footer{max-width:1160px;margin:0 auto;padding:0 24px}
h1,h2,h3,h4,p,figcaption{overflow-wrap:anywhere}
h1,h2,h3,h4,p,ul,ol,dl,dd,figure,pre{margin:0;padding:0}
h1{font-size:34px;line-height:1.15;letter-spacing:-.02em}
h2{font-size:20px;letter-spacing:-.01em;margin:44px 0 12px}
h2 small,h3 small{font-weight:400;color:var(--dim);font-size:14px;letter-spacing:0;margin-left:8px}
h3{font-size:15px;margin:24px 0 8px}
h4{font-size:15px;margin:20px 0 8px}
a{color:var(--link);text-underline-offset:2px}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:4px}
code,pre,kbd{font-family:var(--mono);font-size:.88em;overflow-wrap:anywhere}
.dim{color:var(--dim)}
.top{padding-top:28px}
.brand{font-size:13px;color:var(--dim);margin-bottom:14px}
.banner{--tone:var(--failed);background:color-mix(in srgb,var(--tone) 9%,var(--surface));border:1px solid color-mix(in srgb,var(--tone) 35%,var(--edge));border-left:6px solid var(--tone);border-radius:10px;padding:22px 26px}
.banner h1 span{color:var(--tone)}
.banner .who{font-size:18px;margin-top:6px;overflow-wrap:anywhere}
.banner .why{margin-top:2px;color:var(--dim)}
.banner .shares{margin:16px 0 8px;height:10px}
.counts{display:flex;flex-wrap:wrap;gap:2px 20px;list-style:none}
.counts b{font-size:17px}
.about{margin-top:6px;font-size:13px;color:var(--dim);overflow-wrap:anywhere}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin:16px 0 0;font-size:14px}
nav a{text-decoration:none}nav a:hover{text-decoration:underline}
.note{--tone:var(--inconclusive);border-left:4px solid var(--tone);background:color-mix(in srgb,var(--tone) 8%,var(--surface));border-radius:8px;padding:14px 20px;margin-top:16px}
.note h2{margin:0 0 4px;font-size:16px;color:var(--tone)}
.note ul{padding-left:20px}
.note li{margin:3px 0;overflow-wrap:anywhere}
.scroll{overflow-x:auto;background:var(--surface);border:1px solid var(--edge);border-radius:10px}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;min-width:64px;padding:7px 14px;vertical-align:top;border-top:1px solid var(--edge)}
tr:first-child>*{border-top:0}
tbody tr:first-child>*{border-top:1px solid var(--edge)}
thead th{font-weight:600;font-size:13px;color:var(--dim);vertical-align:bottom}
th[scope=row]{font-weight:500;min-width:116px}
td.n,th.n{text-align:right}td.n{white-space:nowrap}
th,td{overflow-wrap:break-word}
tfoot th,tfoot td{font-weight:600;border-top:2px solid var(--edge)!important}
td .shares{display:block;margin-top:5px;min-width:90px;max-width:420px;height:6px}
td .m{white-space:nowrap}.m.unsupported{font-weight:400}
td svg.interval{display:block;min-width:140px;width:100%}td .interval .grid{stroke:var(--dim)}
.lead{margin:10px 0;color:var(--dim)}.scroll+.card{margin-top:10px}
.shares{border-radius:3px;overflow:hidden;background:var(--edge)}
.m{font-weight:700}
.matrix td,.matrix th{padding:5px 14px}
.matrix tbody th{width:1%}.matrix tbody th code{font-weight:600;white-space:nowrap}
.matrix .area>*{background:var(--ground);font-weight:600;font-size:13px;color:var(--dim)}
.matrix .owes{font-size:13px;color:var(--dim);min-width:280px}
.tag{display:inline-block;font-size:12px;border:1px solid var(--edge);border-radius:10px;padding:0 8px;color:var(--dim);max-width:100%;overflow-wrap:anywhere}
.pill{font-weight:600;white-space:nowrap}
details{background:var(--surface);border:1px solid var(--edge);border-radius:10px;margin-top:10px}
summary{padding:11px 18px;cursor:pointer;overflow-wrap:anywhere}
details[open]>summary{border-bottom:1px solid var(--edge)}
summary h3{display:inline;margin:0}
.inside{padding:14px 18px 18px}
.inside>details:first-child{margin-top:0}
details>.scroll{border:0;border-radius:0 0 10px 10px}
.failure{border-left:4px solid var(--failed)}
.failure.known{border-left-color:var(--known)}
.facts{display:grid;grid-template-columns:fit-content(200px) minmax(0,1fr);gap:3px 16px;font-size:14px}
.facts dt{color:var(--dim);overflow-wrap:anywhere}
.facts dd{overflow-wrap:anywhere}
.versus{display:grid;grid-template-columns:1fr 1fr;gap:10px}
.versus>div{border:1px solid var(--edge);border-radius:8px;padding:8px 12px;border-top:3px solid var(--passed);max-height:260px;overflow:auto}
.versus>div+div{border-top-color:var(--failed)}
.versus b{display:block;font-size:12px;color:var(--dim);font-weight:600}
.versus mark{background:color-mix(in srgb,var(--failed) 22%,transparent);color:inherit;border-radius:2px}
.versus>div:first-child mark{background:color-mix(in srgb,var(--passed) 22%,transparent)}
.window{counter-reset:l;margin-top:10px;background:var(--ground);border-radius:8px;padding:10px 14px;max-height:340px;overflow:auto;list-style:none}
.window li{font:13px/1.6 var(--mono);overflow-wrap:anywhere;padding-left:2.6em;text-indent:-2.6em}
.window li::before{counter-increment:l;content:counter(l);display:inline-block;width:2.6em;text-indent:0;color:var(--dim)}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:12px;margin-top:12px}
.pictures img{display:block;width:100%;height:auto;border-radius:6px;background:var(--ground)}
.pictures figcaption{font-size:13px;color:var(--dim);margin-top:4px;overflow-wrap:anywhere}
pre{background:var(--ground);border-radius:8px;padding:10px 14px;overflow:auto;white-space:pre-wrap}
.plain{list-style:none}.plain li{padding:7px 0;border-top:1px solid var(--edge);overflow-wrap:anywhere}.plain li:first-child{border-top:0}
.card ul:not(.plain),.inside>ul,ul.card:not(.plain){padding-left:18px}.card{background:var(--surface);border:1px solid var(--edge);border-radius:10px;padding:14px 18px}
.results{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:10px;list-style:none;margin-top:10px}
.results li.card{border-top:4px solid var(--tone)}.results b.name{font-size:17px;overflow-wrap:anywhere}.results .shares{margin:10px 0 6px}.results .counts.counts{gap:0 14px;padding:0}.results li li{font-size:14px}.results .counts b{font-size:15px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:10px}
.tile{background:var(--surface);border:1px solid var(--edge);border-radius:10px;padding:12px 16px}
.tile b{display:block;font-size:24px;line-height:1.25;letter-spacing:-.01em}
.tile b small{font-size:14px;font-weight:500;color:var(--dim);letter-spacing:0}
.tile span{font-size:13px;color:var(--dim)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));gap:10px;margin-top:10px}
.chart{background:var(--surface);border:1px solid var(--edge);border-radius:10px;padding:14px 18px 8px;min-width:0}
.chart figcaption{font-size:14px;display:flex;flex-wrap:wrap;gap:2px 16px;align-items:baseline}
.chart svg{display:block;overflow:visible}
.chart text{font:12px var(--sans);fill:var(--dim);paint-order:stroke;stroke:var(--surface);stroke-width:3px;stroke-linejoin:round}
.chart text.said{fill:var(--ink);font-weight:600}
.grid{stroke:var(--edge);stroke-width:1}
.mark{stroke:var(--tail);stroke-width:1.5;stroke-dasharray:3 2}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round;vector-effect:non-scaling-stroke;stroke:var(--middle)}
.line.tail{stroke:var(--tail);stroke-width:1.5}
.area,.bars{fill:color-mix(in srgb,var(--middle) 18%,transparent)}
.bars{fill:color-mix(in srgb,var(--middle) 75%,var(--surface))}
.hits rect{fill:transparent}.hits rect:hover{fill:color-mix(in srgb,var(--ink) 9%,transparent)}
.key{font-size:13px;color:var(--dim)}
.key::before{content:"";display:inline-block;width:14px;height:3px;border-radius:2px;vertical-align:middle;margin-right:6px;background:var(--middle)}
.key.tail::before{background:var(--tail)}
.better{fill:var(--passed);color:var(--passed)}.worse{fill:var(--failed);color:var(--failed)}.same{fill:var(--dim);color:var(--dim)}.unsure{fill:var(--inconclusive);color:var(--inconclusive)}
${standings.map((name) => `.${name}{fill:var(--${name})}.pill.${name},.m.${name}{color:var(--${name})}.banner.${name},.note.${name},.card.${name}{--tone:var(--${name})}`).join("\n")}
footer{margin-top:48px;padding-bottom:40px;font-size:13px;color:var(--dim)}
@media(max-width:640px){
body{font-size:14px}header,main,footer{padding:0 14px}h1{font-size:27px}h2{margin-top:34px}
.banner{padding:16px}.banner .who{font-size:16px}
.versus,.facts{grid-template-columns:1fr}.facts dd{margin-bottom:6px}
th,td{padding:6px 10px}summary{padding:10px 14px}.inside{padding:12px 14px 14px}.chart{padding:12px 14px 6px}.tile{padding:10px 12px}.tile b{font-size:20px}
.tiles{grid-template-columns:repeat(auto-fit,minmax(120px,1fr))}
}
@media print{
:root{color-scheme:light}
body{background:#fff;font-size:11px}header,main,footer{max-width:none;padding:0}nav{display:none}.charts{grid-template-columns:1fr 1fr}
.failure::details-content{content-visibility:visible;display:block}
.failure,.chart,.tile,tr,.pictures figure{break-inside:avoid}h2,h3,h4{break-after:avoid}
.window,.versus>div{max-height:none}.scroll{overflow:visible}a{color:inherit;text-decoration:none}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
`;
