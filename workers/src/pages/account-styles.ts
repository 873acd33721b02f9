/** The pages of a signed-in person: navigation, lists whose items have an action each, folded-away dangerous acts. */
export const accountStyles = `
.nav{width:100%;max-width:32rem;padding:0 2rem}
.nav ul{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.125rem 1.125rem}
.nav a{display:block;padding:.5rem 0 .625rem;color:var(--ink-soft);text-decoration:none;border-bottom:.1875rem solid transparent}
.nav a:hover{color:var(--ink);border-color:var(--edge)}
.nav a[aria-current]{color:var(--ink);font-weight:600;border-color:var(--accent)}
.nav-end{margin-left:auto}
.items,.events{list-style:none;margin:0;padding:0}
.item{display:flex;flex-wrap:wrap;gap:.75rem 1.5rem;align-items:flex-start;justify-content:space-between;padding:1.125rem 0;border-top:1px solid var(--edge)}
.item-text{flex:1 1 18rem;min-width:0}
.item h2{margin:0;display:flex;flex-wrap:wrap;gap:.125rem .625rem;align-items:baseline;overflow-wrap:anywhere}
.item p{margin:.125rem 0 0;overflow-wrap:anywhere}
.item-host{color:var(--ink-soft);font-size:.9375rem;font-weight:400}
.item-actions{display:flex;gap:1.25rem;align-items:center;flex:none}
.chips{display:flex;flex-wrap:wrap;gap:.25rem .375rem}
.item .chips{margin:.375rem 0;align-items:baseline}
.chip{background:var(--code);border-radius:.375rem;padding:.0625rem .4375rem;font-size:.8125rem;line-height:1.375rem}
.event{padding:.75rem 0;border-top:1px solid var(--edge)}
.event p{margin:0;overflow-wrap:anywhere}
.empty{padding:1.5rem;border:1px dashed var(--control);border-radius:var(--radius);text-align:center}
.empty p{margin:0}
.back{margin-bottom:.5rem;font-size:.9375rem}
.back a::before{content:"←";margin-right:.4em}
fieldset+.row{margin-top:1.25rem}
.stack{display:grid;gap:.625rem;justify-items:start;margin-top:.75rem}
.stack button{text-align:left;overflow-wrap:anywhere}
summary{cursor:pointer;padding:.375rem 0;width:fit-content;color:var(--alert);font-weight:500}
details p{margin-top:.5rem}
.bullets{margin:0 0 .75rem;padding-left:1.25rem}
p.scope{margin:1.25rem 0}
.wide>.nav{max-width:46rem}
`
