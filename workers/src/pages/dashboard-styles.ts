/** The owner's pages: pages within a page, forms with hints, boxes, charts and the numbers behind them. */
export const dashboardStyles = `
.tabs.nav{max-width:none;padding:0}
.tabs ul{margin:0 0 1.5rem;border-bottom:1px solid var(--edge)}
.with-tag{display:flex;flex-wrap:wrap;gap:.25rem .75rem;align-items:center}
.item h3,.event h2,.event h3,.section h3{margin:0;font-size:1rem;line-height:1.4}
.section{margin-top:2rem;padding-top:1.5rem;border-top:1px solid var(--edge)}
.section>h2,.offers>h2,section:not([class],[aria-labelledby])>h2{margin-top:0;font-size:1.125rem}
section h3{font-size:1rem;margin:1.25rem 0 .375rem}
.links{margin-bottom:1.5rem}
.offers{background:var(--accent-wash);border-radius:var(--radius);padding:1.25rem 1.25rem .25rem;margin:0 0 1.5rem}
.offers .item{border-color:var(--control)}
.offers .item:first-child,.events>.event:first-child{border-top:0}
.offers form{margin-top:.5rem}
.fields{display:grid;gap:1.125rem;margin:1rem 0 0}
.fields+.fields,.items+.fields,.row+.fields{margin-top:1.25rem}
.fields fieldset{margin:0}
.fields legend{font-size:1rem;font-weight:600;margin-bottom:.25rem}
.field{display:grid;gap:.25rem;min-width:0}
.field>label{font-weight:600}
.field>.hint{margin:0}
.field .row{gap:.75rem 1rem}
input.short{max-width:9rem}
input.middle{flex:1 1 14rem;width:auto;max-width:24rem}
.options{display:grid;gap:.125rem}
.choice{font-weight:400;margin:0;display:grid;grid-template-columns:1.25rem minmax(0,1fr);gap:.625rem;align-items:start;padding:.25rem 0;width:fit-content;max-width:100%;cursor:pointer}
.choice input{width:1.25rem;height:1.25rem;margin:.125rem 0 0;accent-color:var(--accent)}
@media (pointer:coarse){.choice{padding:.5rem 0}}
.box{border:1px solid var(--edge);border-radius:var(--radius);padding:1rem 1.125rem;display:grid;gap:.875rem;min-width:0}
fieldset.box>legend{float:left;width:100%;margin:0}
fieldset.box>*{clear:both}
.boxes{list-style:none;margin:0;padding:0;display:grid;gap:1rem}
.box p{margin:0}
.item-head{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:center;justify-content:space-between}
.box .item:last-child{padding-bottom:0}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,13rem),1fr));gap:1.125rem 1rem}
.calm>summary,summary.plain{color:var(--accent)}
.timeline{border-left:2px solid var(--edge);padding-left:1rem;margin:.25rem 0 0 .375rem}
.timeline .event{border:0;padding:.375rem 0}
.event .caution-text{margin:.5rem 0}
.index{list-style:none;margin:0 0 1rem;padding:0;display:grid;gap:.5rem}
.index li{display:flex;flex-wrap:wrap;gap:0 .75rem;align-items:baseline}
.index code,.endpoint code{min-width:0}
.index code{color:var(--ink-soft);font-size:.8125rem}
.endpoint{display:flex;flex-wrap:wrap;gap:.375rem .75rem;align-items:baseline}
.section .members{margin:.25rem 0 1rem;display:grid;gap:.125rem}
.members div{display:grid;grid-template-columns:minmax(0,14rem) minmax(0,1fr);gap:.75rem;font-size:.9375rem}
.members dd{margin:0;color:var(--ink-soft);overflow-wrap:anywhere}
@media (max-width:34rem){.section .members{gap:.5rem}.members div{grid-template-columns:minmax(0,1fr);gap:0}}
.wraps{white-space:pre-wrap}
.code-box .wraps code{overflow-wrap:anywhere}
.older{margin:1.25rem 0 0}
search{display:block;margin-bottom:1rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.875rem}
th,td{text-align:left;font-weight:400;padding:.375rem 0 .375rem .75rem;border-top:1px solid var(--edge);white-space:nowrap}
thead th{font-weight:600;border-top:0}
th:first-child{padding-left:0}
@media (max-width:34rem){table{font-size:.8125rem}th+th,td{padding-left:.5rem}}
th.number,td.number{text-align:right;font-variant-numeric:tabular-nums}
.chart{display:block;width:100%;height:auto;margin:.5rem 0 .75rem}
.chart rect{fill:var(--accent)}
.chart line{stroke:var(--control)}
.secret{font-size:1rem;user-select:all}
`
