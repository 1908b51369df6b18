// SPDX-License-Identifier: Apache-2.0
// How a page looks. Colours keep apart for readers who see few of them, on paper and on dark screens; the
// kinds of a figure (P7) have one colour, one shape and one word each.
#include "page/style.h"

#include "page/draw.h"
#include "page/kind.h"

static const char *const STYLE[] = {
    ":root{--paper:#fff;--ink:#16191d;--soft:#59626c;--faint:#8b949e;--rule:#d9dde2;--grid:#e9ecef;",
    "--panel:#f6f7f8;--k0:#0b5fa5;--k1:#0f7a63;--k2:#a3520b;--k3:#59626c;--warn:#b3261e;--warnbg:#fbe9e7;",
    "--c0:#0b5fa5;--c1:#c04a17;--c2:#0f7a63;--c3:#80479a;--c4:#8f6508;--c5:#1f7fb5;--c6:#b8457f;",
    "--c7:#59626c;--c8:#557a16;--c9:#16191d;--q0:#9cc3e6;--q1:#76aad8;--q2:#4f90c9;--q3:#2f76b5;",
    "--q4:#15599a;--q5:#0a3f73;--s1:#c6ccd3;--s2:#0b5fa5;--s3:#1f7fb5;--s4:#80479a;--s5:#0f7a63;",
    "--s6:#8f6508;--s7:#c04a17;--s8:#b8457f;--s9:#8b949e}\n",
    "@media screen and (prefers-color-scheme:dark){:root{--paper:#14171a;--ink:#e6e9ec;--soft:#a7b0ba;",
    "--faint:#7d8791;--rule:#353b42;--grid:#262b31;--panel:#1c2025;--k0:#6fb1ee;--k1:#4cc3a5;",
    "--k2:#eba35a;--k3:#a7b0ba;--warn:#ff8a80;--warnbg:#3a2220;--c0:#6fb1ee;--c1:#f2875a;--c2:#4cc3a5;",
    "--c3:#c79be0;--c4:#e0b445;--c5:#9bd3f5;--c6:#f3a1c6;--c7:#a7b0ba;--c8:#a9cc62;--c9:#e6e9ec;",
    "--q0:#2b567f;--q1:#35699a;--q2:#4480b5;--q3:#5c99cf;--q4:#82b6e4;--q5:#b4d6f4;--s1:#4a525b;",
    "--s2:#6fb1ee;--s3:#9bd3f5;--s4:#c79be0;--s5:#4cc3a5;--s6:#e0b445;--s7:#f2875a;--s8:#f3a1c6;",
    "--s9:#7d8791}}\n",
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}body{margin:0;background:var(--paper);",
    "color:var(--ink);font:16px/1.5 -apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Noto Sans',Lato,",
    "'Helvetica Neue',Arial,sans-serif;font-variant-numeric:tabular-nums lining-nums;",
    "font-variant-ligatures:no-common-ligatures}main{max-width:64rem;margin:0 auto;",
    "padding:3.5rem 2rem 6rem}header{margin-bottom:2.5rem}.eyebrow{margin:0 0 .6rem;font-size:.8rem;",
    "letter-spacing:.09em;text-transform:uppercase;color:var(--soft)}h1{margin:0 0 .8rem;",
    "font-size:2.3rem;line-height:1.15;font-weight:600;letter-spacing:-.015em;text-wrap:balance}",
    "h2{margin:0 0 .8rem;font-size:1.45rem;line-height:1.25;font-weight:600;letter-spacing:-.01em}",
    "h3{margin:2rem 0 .5rem;font-size:1rem;font-weight:600}section{margin-top:4rem;padding-top:1.4rem;",
    "border-top:1px solid var(--rule)}#headline{margin-top:0}p{margin:0 0 .8rem}.meta{margin:0;",
    "color:var(--soft);font-size:.9rem;overflow-wrap:anywhere}.lead{max-width:44rem;color:var(--soft)}",
    ".small{font-size:.875rem;color:var(--soft);overflow-wrap:anywhere}.small b{color:var(--ink);",
    "font-weight:600}ul.small{padding-left:1.2rem;margin:0 0 .8rem}.none{color:var(--soft);",
    "font-style:italic}.item{max-width:46rem;padding-left:1.1rem;border-left:3px solid var(--rule)}",
    ".verdict{max-width:48rem;font-size:1.3rem;line-height:1.4;font-weight:400;margin:0 0 1.6rem}",
    ".verdict b{font-weight:650;white-space:nowrap}.small+.verdict{margin-top:3rem}",
    ".warn{color:var(--warn);font-size:.85em;white-space:nowrap}\n",
    ".way{display:grid;grid-template-columns:minmax(0,1.9fr) repeat(4,minmax(0,1fr));gap:.4rem 1.4rem;",
    "padding:1rem 0;border-top:1px solid var(--rule);align-items:end}",
    ".way+.small{border-top:1px solid var(--rule);padding-top:.8rem}.what b{display:block;",
    "font-weight:600;margin-bottom:.25rem}.from{display:block;margin-top:.2rem;font-size:.83rem;",
    "color:var(--soft)}.way .what{align-self:center}.big span{display:block;font-size:.83rem;",
    "color:var(--soft)}.big b{font-size:2.05rem;line-height:1.1;font-weight:500;letter-spacing:-.02em}",
    ".big i{font-style:normal;margin-left:.25rem;color:var(--soft);font-size:.95rem}",
    ".kind{display:inline-block;margin:0 .3rem 0 0;padding:0 .5em;border:1px solid currentColor;",
    "border-radius:1em;font-size:.75rem;line-height:1.55;white-space:nowrap;font-weight:500}",
    ".k0{color:var(--k0)}.k1{color:var(--k1)}.k2{color:var(--k2)}.k3{color:var(--k3)}",
    ".syn{color:var(--soft);border-style:dashed}.k0:before{content:'\\25CF\\A0'}",
    ".k1:before{content:'\\25C6\\A0'}.k2:before{content:'\\25B2\\A0'}.legend{display:flex;flex-wrap:wrap;",
    "gap:.5rem 1.5rem;margin:1.6rem 0 0;padding:.9rem 1.1rem;background:var(--panel);border-radius:6px;",
    "font-size:.83rem}.legend div{display:flex;gap:.4rem;align-items:baseline}",
    ".legend dt,.legend dd{margin:0;color:var(--soft)}nav{margin-top:1.6rem;font-size:.875rem;",
    "display:flex;flex-wrap:wrap;gap:.2rem 1.2rem}a{color:var(--k0);text-decoration:none}",
    "a:hover{text-decoration:underline}.mark{display:inline-block;min-width:1.45em;padding:0 .3em;",
    "border-radius:.3em;color:var(--paper);text-align:center;font-size:.8em;font-weight:600;",
    "line-height:1.5}\n",
    "h1,h2,h3,figcaption,summary,.verdict{overflow-wrap:anywhere}figure{margin:1.8rem 0 0}",
    "figcaption{font-size:.9rem;color:var(--soft);margin-bottom:.5rem}figcaption b{color:var(--ink);",
    "font-weight:600}.fig,.scroll{overflow-x:auto;max-width:100%}.fig{position:relative}",
    "svg{display:block;width:100%;min-width:690px;height:auto}output{display:block;min-height:1.5em;",
    "font-size:.83rem;color:var(--ink)}table{border-collapse:collapse;font-size:.83rem;line-height:1.35;",
    "margin:.6rem 0 1rem;min-width:50%}th{font-weight:500;color:var(--soft);text-align:left;",
    "vertical-align:bottom;border-bottom:1px solid var(--ink)}th,td{padding:.32rem .8rem .32rem 0}",
    "th:last-child,td:last-child{padding-right:0}td{border-bottom:1px solid var(--rule);",
    "vertical-align:top}.n{text-align:right;white-space:nowrap}th.n{white-space:normal}",
    ".mid{text-align:center}th.mid{text-align:center}.nowrap,td.key{white-space:nowrap}",
    "td.key{color:var(--soft);width:16rem}.runs th{max-width:8rem}.setting{width:100%}",
    "th.group{padding-top:1.3rem;color:var(--ink);font-weight:600}.setting td{overflow-wrap:anywhere}",
    "td .kind{font-size:.7rem}.packet{margin:.2rem 0 0;font-size:.8rem;color:var(--soft);",
    "overflow-wrap:anywhere}code,pre{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',",
    "monospace;font-size:.78rem}code{font-size:.68rem;overflow-wrap:anywhere}tr.more td{padding-top:0}",
    "tr:has(+tr.more) td{border-bottom:0;padding-bottom:0}pre{padding:1rem 1.2rem;",
    "background:var(--panel);border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere;",
    "line-height:1.6}details{margin:.6rem 0}summary{cursor:pointer;font-size:.875rem;color:var(--soft)}",
    ".swatch{display:inline-block;width:.75em;height:.75em;border-radius:2px}\n",
    "svg text{font-size:12px;fill:var(--ink);font-family:inherit;font-variant-numeric:tabular-nums}",
    "svg .end{text-anchor:end}svg .mid{text-anchor:middle}",
    "svg .tick,svg .what,svg .cycle{fill:var(--soft);font-size:11px}svg .cycle{font-size:9.5px;",
    "fill:var(--faint)}svg .head{font-weight:600}svg .value{font-size:11.5px}",
    "svg .wholename{font-weight:600}.grid{stroke:var(--grid);stroke-width:1}.base{stroke:var(--faint);",
    "stroke-width:1}.hit{fill:none;pointer-events:all}.curve{fill:none;stroke-width:1.4;",
    "stroke-linejoin:round}.curve.strong{stroke-width:2.2}.leader{fill:none;stroke-width:1;",
    "stroke-dasharray:1 3}.tie{fill:none;stroke-width:2}.d1{stroke-dasharray:7 3}",
    ".d2{stroke-dasharray:2 3}.curve.sat{stroke-dasharray:7 3}.curve.h1{stroke-dasharray:8 3}",
    ".curve.h2{stroke-dasharray:2 3}circle{stroke-width:2}circle.open{fill:var(--paper)!important}",
    ".satarea{fill:var(--warnbg)}svg .satword{fill:var(--warn);font-size:11px}.soft{fill:var(--k3);",
    "opacity:.45}.strongbar{fill:var(--k3)}.step{stroke:var(--paper);stroke-width:1}",
    "svg .onstep{fill:var(--paper);font-size:11.5px;font-weight:500}svg .onwait{font-size:11.5px}",
    ".rule{stroke:var(--ink);stroke-width:1;opacity:.5}rect.whole{fill-opacity:.55}",
    "figcaption .kind{margin-left:.3rem}.two{columns:2;column-gap:2.5rem;margin-bottom:1.2rem}",
    ".two table{break-inside:avoid-column;margin:0 0 1.4rem}.two td.key{width:46%}path.wave{fill:none;",
    "stroke:var(--ink);stroke-width:1.2}path.box{fill:color-mix(in srgb,var(--k1) 16%,var(--paper))}",
    "path.novalue{fill:url(#hatch);stroke:var(--faint);stroke-width:.8}path.hatch{stroke:var(--rule);",
    "stroke-width:1}svg .bus,svg .signal{font:10px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',",
    "monospace}svg .signal{font-size:11px}\n",
    "@media screen and (max-width:760px){.two{columns:1}main{padding:2rem 1rem 4rem}h1{font-size:1.7rem}",
    ".verdict{font-size:1.1rem}.way{grid-template-columns:repeat(4,minmax(0,1fr))}",
    ".way .what{grid-column:1/-1}.big b{font-size:1.3rem}.big i{display:block;margin:0;font-size:.8rem}",
    "section{margin-top:2.8rem}td.key{width:auto;white-space:normal}}\n",
    "@page{size:A4;margin:14mm 13mm 16mm}@media print{html{font-size:12.5px}body{font-size:1rem;",
    "print-color-adjust:exact;-webkit-print-color-adjust:exact}main{max-width:none;padding:0}",
    "nav,details,output{display:none}svg{min-width:0}.fig,.scroll{overflow:visible}",
    "section{margin-top:2.2rem}figure,.way,.legend,.item,pre,tr{break-inside:avoid}",
    "h2,h3,figcaption,thead{break-after:avoid}th,td{padding:.25rem .5rem .25rem 0}",
    ".big b{font-size:1.6rem}table{font-size:.72rem}td .kind{font-size:.62rem}code{font-size:.6rem}",
    ".packet{font-size:.68rem}}\n",
};

static void colours(FILE *f)
{
    for (unsigned i = 0; i < COLOURS; i++)
        fprintf(f,
                ".curve.c%u,.leader.c%u,.tie.c%u,circle.c%u{stroke:var(--c%u)}circle.c%u,svg "
                "text.c%u,rect.f%u{fill:var(--c%u)}.mark.f%u{background:var(--c%u)}\n",
                i, i, i, i, i, i, i, i, i, i, i);
    for (unsigned i = 0; i < 6; i++)
        fprintf(f, ".curve.q%u,.leader.q%u,.tie.q%u{stroke:var(--q%u)}\n", i, i, i, i);
    for (unsigned i = 0; i <= KIND_COUNT; i++)
        fprintf(f, "rect.fk%u{fill:var(--k%u)}\n", i, i);
}

void style_begin(FILE *f)
{
    fputs("<style>\n", f);
    for (size_t i = 0; i < sizeof STYLE / sizeof *STYLE; i++)
        fputs(STYLE[i], f);
    colours(f);
}

void style_end(FILE *f)
{
    fputs("</style>\n", f);
}
