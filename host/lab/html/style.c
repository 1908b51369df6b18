// SPDX-License-Identifier: Apache-2.0
// What the laboratory's report adds to the style of all pages, and its read-outs.
#include "page/style.h"

#include "lab/html/chart.h"

static const char *const STYLE[] = {
    "main{overflow-wrap:anywhere}table{overflow-wrap:break-word}section{margin-top:3.4rem}h3{margin:2.2rem 0 "
    ".3rem}.tiles{display:grid;gap:.8rem;padding:0;margin:1rem "
    "0 0;",
    "grid-template-columns:repeat(auto-fill,minmax(min(13.5rem,100%),1fr))}.tile{margin:0;padding:.85rem "
    "1rem .8rem;",
    "background:var(--panel);border-radius:6px;border-top:2px solid "
    "var(--k2);display:flex;flex-direction:column;",
    "min-width:0;overflow-wrap:anywhere}.tile.t0{border-color:var(--k0)}.tile.t1{border-color:var(--k1)}",
    ".tile.t3{border-color:var(--k3)}.tile dt{font-size:.83rem;line-height:1.35;color:var(--soft)}",
    ".tile dd{margin:.15rem 0 0}.tile .v{font-size:1.65rem;line-height:1.2;font-weight:550;",
    "letter-spacing:-.015em}.tile .v.long{font-size:1.2rem;line-height:1.3;letter-spacing:0}",
    ".tile .v.verylong{font-size:1rem;line-height:1.4}.tile .note{font-size:.8rem;line-height:1.4;",
    "color:var(--soft);margin-top:.3rem}.tile .foot{margin-top:auto;padding-top:.5rem}",
    ".said{display:block;max-width:46rem;margin-top:.15rem}figure{margin-top:2.2rem}",
    ".keys{list-style:none;display:flex;flex-wrap:wrap;gap:.15rem 1.4rem;margin:.2rem 0 .5rem;padding:0;",
    "font-size:.83rem}.keys li{display:flex;align-items:center;gap:.5rem;min-width:0}",
    ".keys "
    "span{overflow-wrap:anywhere;min-width:0}svg.key{width:34px;min-width:34px;height:14px;flex:none}\n",
    ".area{fill-opacity:.2;stroke:none}.bars{stroke:none}.dots.many{fill-opacity:.45}",
    ".hatchline{stroke:var(--paper);stroke-width:1.5;fill:none}.curve.d3{stroke-dasharray:10 3 2 3}",
    ".curve.d4{stroke-dasharray:14 4}.curve.strong{stroke-width:2;stroke-linecap:butt}",
    ".spot{fill:none;stroke:var(--ink);stroke-width:1.6}svg .what{font-size:11.5px}",
    "table.lab th,table.lab td{overflow-wrap:break-word}td.n,th.n{padding-left:.8rem}",
    "tbody tr:hover td{background:var(--panel)}.scroll table{margin-right:1px}",
    "pre{font-size:.8rem;max-width:100%}#scenario .tiles{margin-bottom:1.2rem}",
    "summary:focus-visible,a:focus-visible{outline:2px solid var(--k0);outline-offset:2px}\n",
    ".about{margin:.9rem 0 0}",
    // What is wider than the screen has a shadow where it goes on.
    "@media screen and (max-width:760px){section{margin-top:2.6rem}.tile .v{font-size:1.3rem}",
    ".tile .v.long{font-size:1.05rem}.tile{padding:.7rem .8rem}",
    ".tiles{gap:.6rem;grid-template-columns:repeat(2,minmax(0,1fr))}.fig,.scroll{--cut:color-mix(in ",
    "srgb,var(--ink) 22%,transparent);background:linear-gradient(90deg,var(--paper) 40%,transparent) 0 0 ",
    "/2rem 100% no-repeat local,linear-gradient(270deg,var(--paper) 40%,transparent) 100% 0/2rem 100% ",
    "no-repeat local,linear-gradient(90deg,var(--cut),transparent) 0 0/.7rem 100% no-repeat scroll,",
    "linear-gradient(270deg,var(--cut),transparent) 100% 0/.7rem 100% no-repeat scroll}}",
    "@media print{.tiles{grid-template-columns:repeat(3,1fr);gap:.5rem}.tile{break-inside:avoid;",
    "padding:.6rem .7rem}.tile .v{font-size:1.3rem}pre{break-inside:auto}}\n",
};

// Under the pointer: the nearest value of each series. Reads what the drawing carries, and adds nothing that
// is missed without it.
static const char *const SCRIPT[] = {
    "'use strict';(function(){\n",
    "function show(v){var a=Math.abs(v),s=v<0?'\\u2212':'',u=[[1e12,' tn'],[1e9,' bn'],[1e6,' M']],i;\n",
    " if(a&&(a<1e-4||a>=1e15)){var e=a.toExponential(2).split('e');return "
    "s+Number(e[0])+'\\u00d710^'+Number(e[1])}\n",
    " for(i=0;i<3;i++)if(a>=999950&&a>=u[i][0]*.99995){a/=u[i][0];return "
    "s+a.toFixed(a<99.995?2:1)+u[i][1]}\n",
    " if(a>=100&&(a>=9999.5||a===Math.floor(a)))return s+Math.round(a).toLocaleString('en');\n",
    " return s+Number(a.toPrecision(4))}\n",
    "function axis(t){var p=t.split(' '),l=p[0]==='log',n=p.slice(1).map(Number),f=l?Math.log:Number;\n",
    " return function(v){return n[2]+(n[3]-n[2])*(f(v)-f(n[0]))/(f(n[1])-f(n[0]))}}\n",
    "document.querySelectorAll('g.plot').forEach(function(g){\n",
    " var "
    "svg=g.ownerSVGElement,hit=g.querySelector('.hit'),x=axis(hit.dataset.x),y=axis(hit.dataset.y),series="
    "null;\n",
    " var out=document.createElement('output'),marks=document.createElementNS(svg.namespaceURI,'g');\n",
    " marks.setAttribute('pointer-events','none');svg.parentNode.after(out);\n",
    " function read(){series=[];g.querySelectorAll('.series').forEach(function(s){\n",
    "  series.push({name:s.dataset.n,step:s.dataset.shape==='step',v:s.dataset.v.split(' "
    "').map(function(t){\n",
    "   var p=t.split(',').map(Number);return {x:p[0],y:p[1],px:x(p[0]),py:y(p[1])}})})})}\n",
    " function near(s,px){var b=null;s.v.forEach(function(p){",
    "if(s.step&&p.px>px+.5)return;if(!b||Math.abs(p.px-px)<Math.abs(b.px-px))b=p});",
    "return b&&(s.step||Math.abs(b.px-px)<40)?b:null}\n",
    " function mark(kind,a){var m=document.createElementNS(svg.namespaceURI,kind),k;",
    "for(k in a)m.setAttribute(k,a[k]);marks.appendChild(m)}\n",
    " function clear(){marks.replaceChildren();marks.remove();out.textContent=''}\n",
    " function point(e){var m=svg.getScreenCTM(),b=hit.getBBox();if(!m)return;if(!series)read();\n",
    "  var px=new DOMPoint(e.clientX,e.clientY).matrixTransform(m.inverse()).x,best=null;\n",
    "  if(px<b.x||px>b.x+b.width)return;clear();\n",
    "  var found=series.map(function(s){return [s,near(s,px)]}).filter(function(f){return f[1]});\n",
    "  found.forEach(function(f){if(!best||Math.abs(f[1].px-px)<Math.abs(best.px-px))best=f[1]});\n",
    "  if(!best)return;mark('line',{class:'rule',x1:best.px,x2:best.px,y1:b.y,y2:b.y+b.height});\n",
    "  "
    "found.forEach(function(f){mark('circle',{class:'spot',cx:f[1].px,cy:f[1].py,r:4.5})});g.appendChild("
    "marks);\n",
    "  out.textContent=show(best.x)+': '+found.map(function(f){",
    "return (f[0].name?f[0].name+' ':'')+show(f[1].y)}).join(', ')}\n",
    " g.addEventListener('pointermove',point);g.addEventListener('pointerdown',point);\n",
    " g.addEventListener('pointerleave',clear);\n",
    "});\n",
    "})();\n",
};

void lab_style(FILE *f)
{
    style_begin(f);
    for (size_t i = 0; i < sizeof STYLE / sizeof *STYLE; i++)
        fputs(STYLE[i], f);
    for (unsigned i = 0; i < COLOURS; i++)
        fprintf(f, ".dots.g%u{fill:var(--c%u)}\n", i, i);
    style_end(f);
}

void lab_script(FILE *f)
{
    fputs("<script>\n", f);
    for (size_t i = 0; i < sizeof SCRIPT / sizeof *SCRIPT; i++)
        fputs(SCRIPT[i], f);
    fputs("</script>\n", f);
}
