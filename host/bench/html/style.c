// SPDX-License-Identifier: Apache-2.0
// What the latency report adds to the style of all pages, and its read-outs.
#include "page/style.h"

#include "bench/html/sections.h"

// Under the pointer: the value of each line of a chart. Reads what is drawn, and adds nothing that is missed
// without it.
static const char *const SCRIPT[] = {
    "'use strict';(function(){\n",
    "function scale(t){var a=t.split(' ');return ",
    "a.length>4?[a[0]].concat(a.slice(1).map(Number)):a.map(Number)}\n",
    "function ns(v){var u=['ns','\\u00b5s','ms','s'],i=0;while(i<3&&v>=999.5){v/=1000;i++}",
    "return (v>=99.95?Math.round(v):v.toPrecision(3))+'\\u00a0'+u[i]}\n",
    "document.querySelectorAll('g.plot').forEach(function(g){\n",
    " var svg=g.ownerSVGElement,x=scale(g.dataset.x),y=scale(g.dataset.y),",
    "curves=g.querySelectorAll('.curve');\n",
    " var out=document.createElement('output'),rule=document.createElementNS(svg.namespaceURI,'line');\n",
    " svg.parentNode.after(out);rule.setAttribute('class','rule');rule.setAttribute('y1',y[2]);",
    "rule.setAttribute('y2',y[3]);\n",
    " function value(c,px){var p=c.points,n=p.numberOfItems;",
    "if(!n||px>p.getItem(n-1).x+1||px<p.getItem(0).x-6)return null;\n",
    "  for(var i=0;i<n-1&&p.getItem(i).x<px;i++);var a=p.getItem(Math.max(i-1,0)),b=p.getItem(i);\n",
    "  var t=b.x>a.x?(px-a.x)/(b.x-a.x):1,py=a.y+(b.y-a.y)*Math.min(Math.max(t,0),1);\n",
    "  return y[0]*Math.pow(y[1]/y[0],(py-y[2])/(y[3]-y[2]))}\n",
    " function where(px){var f=(px-x[3])/(x[4]-x[3]);\n",
    "  if(x[0]==='percent'){var d=x[1]+(x[2]-x[1])*f;return (100-100*Math.pow(10,-d)).toFixed(Math.max(0,",
    "Math.ceil(d)-1))+'\\u00a0%'}\n",
    "  var r=x[0]==='rate'?x[1]+(x[2]-x[1])*f:x[1]*Math.pow(x[2]/x[1],f);",
    "return Math.round(Number(r.toPrecision(3))).toLocaleString('en')+' frames/s'}\n",
    " g.addEventListener('pointermove',function(e){var m=svg.getScreenCTM();if(!m)return;\n",
    "  var px=new DOMPoint(e.clientX,e.clientY).matrixTransform(m.inverse()).x;",
    "if(px<x[3]||px>x[4])return;\n",
    "  rule.setAttribute('x1',px);rule.setAttribute('x2',px);g.appendChild(rule);\n",
    "  var seen=[];curves.forEach(function(c){var v=value(c,px);",
    "if(v!==null)seen.push(c.dataset.n+' '+ns(v))});\n",
    "  out.textContent=where(px)+': '+seen.join(', ')});\n",
    " g.addEventListener('pointerleave',function(){rule.remove();out.textContent=''});\n",
    "});\n",
    "})();\n",
};

void put_style(FILE *f)
{
    style_begin(f);
    for (unsigned i = STAMP_TAKEN; i < STAMP_COUNT; i++)
        fprintf(f, "rect.s%u{fill:var(--s%u)}.swatch.s%u{background:var(--s%u)}\n", i, i, i, i);
    style_end(f);
}

void put_script(FILE *f)
{
    fputs("<script>\n", f);
    for (size_t i = 0; i < sizeof SCRIPT / sizeof *SCRIPT; i++)
        fputs(SCRIPT[i], f);
    fputs("</script>\n", f);
}
