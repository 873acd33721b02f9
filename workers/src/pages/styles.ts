import { accountStyles } from './account-styles.ts'
import { controlStyles } from './control-styles.ts'
import { dashboardStyles } from './dashboard-styles.ts'
import { designTokens } from './design-tokens.ts'

const base = `
*,*::before,*::after{box-sizing:border-box}
html{font:1rem/1.5 var(--sans);background:var(--page);color:var(--ink);-webkit-text-size-adjust:100%;text-size-adjust:100%;
scroll-padding-bottom:7rem}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center}
h1{font-size:1.5rem;line-height:1.25;letter-spacing:-.012em;margin:0 0 .75rem;text-wrap:balance;overflow-wrap:anywhere}
h2{font-size:1rem;line-height:1.4;margin:var(--gap) 0 .375rem}
p{margin:0 0 .75rem;text-wrap:pretty}
p:last-child{margin-bottom:0}
a{color:var(--accent);text-underline-offset:.18em}
a:hover{color:var(--accent-deep)}
code,pre,.code{font-family:var(--mono)}
code{font-size:.9375em;overflow-wrap:anywhere}
.skip{position:absolute;left:1rem;top:-4rem;background:var(--card);padding:.5rem .75rem;border-radius:var(--radius);z-index:2}
.skip:focus{top:.75rem}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px;border-radius:.3rem}
.brand{width:100%;max-width:32rem;padding:2rem 2rem 1rem;display:flex;align-items:center;gap:.625rem}
.mark{width:2rem;height:auto;color:var(--accent);flex:none}
.brand-name{flex:none;max-width:60%;overflow-wrap:anywhere;font-weight:650;letter-spacing:-.01em}
.brand-tagline{color:var(--ink-soft);font-size:.875rem;margin-left:auto;min-width:0;text-align:right}
.card{width:100%;max-width:32rem;background:var(--card);border:1px solid var(--edge);border-radius:1rem;box-shadow:var(--shadow);padding:2rem}
body.wide>*{max-width:46rem}
.foot{width:100%;max-width:32rem;padding:1rem 2rem 2.5rem;color:var(--ink-soft);font-size:.875rem;text-align:center;text-wrap:balance}
.lead{font-size:1.0625rem;margin-bottom:1.25rem}
.hint{color:var(--ink-soft);font-size:.875rem}
.host,.wrap,.name{overflow-wrap:anywhere}
.host{font-weight:650}
.host-rest{font-weight:400;color:var(--ink-soft)}
.name{font-weight:inherit}
.plain-list{list-style:none;margin:0;padding:0;display:grid;gap:.25rem}
.notice{border:1px solid var(--edge);border-left-width:.25rem;border-radius:var(--radius);padding:.75rem 1rem;margin:0 0 1.25rem}
.notice h2{margin:0 0 .125rem}
.notice.alert{background:var(--alert-wash);border-color:var(--alert-edge);color:var(--alert)}
.notice.done{background:var(--accent-wash);border-color:var(--accent)}
.notice.plain{background:var(--accent-wash);border-color:var(--accent)}
.pinned{position:sticky;top:0}
.pinned~div{scroll-margin-top:5rem}
.explained:target{background:var(--accent-wash);border-radius:var(--radius);padding:.75rem 1rem;margin:1rem -1rem;scroll-margin-top:1rem}
.explained:target h2{margin-top:0}
.pinned~div .explained:target{scroll-margin-top:6rem}
.aside{margin-top:var(--gap);padding-top:1.25rem;border-top:1px solid var(--edge);font-size:.9375rem}
.aside b{display:block}
.aside>h2{margin-top:0}
.row{display:flex;flex-wrap:wrap;gap:.75rem;align-items:center}
.detail{background:var(--code);border-radius:var(--radius);padding:.75rem 1rem;overflow-wrap:anywhere;font-size:.9375rem}
.reference{margin:var(--gap) 0 0;padding-top:1rem;border-top:1px solid var(--edge);font-size:.875rem;color:var(--ink-soft)}
.reference p{margin-bottom:.375rem}
.reference dl{margin:0;display:grid;gap:.25rem}
.reference dl div{display:flex;flex-wrap:wrap;gap:0 .75rem}
.reference dt{min-width:5.5rem}
.reference dd{margin:0}
.steps{padding:0;margin:.75rem 0 0;list-style:none;counter-reset:step;display:grid;gap:1.25rem}
.steps li{counter-increment:step;display:grid;grid-template-columns:1.625rem minmax(0,1fr);gap:0 .875rem}
.steps li>*{grid-column:2}
.steps li::before{content:counter(step);width:1.625rem;height:1.625rem;border-radius:50%;background:var(--accent-wash);
color:var(--accent);font-size:.875rem;font-weight:650;display:grid;place-items:center}
.steps-end{margin-top:1.25rem}
.code-box{background:var(--code);border-radius:var(--radius);padding:.875rem 1rem;overflow-x:auto}
.code-box pre{margin:0;font-size:.8125rem;line-height:1.55}
.code-box code{overflow-wrap:normal;font-size:inherit}
.links{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem}
`

const consent = `
.parties{margin:1rem 0 0;border:1px solid var(--edge);border-radius:var(--radius)}
.party{display:grid;grid-template-columns:7.5rem minmax(0,1fr);gap:.125rem .75rem;padding:.75rem 1rem}
.party+.party{border-top:1px solid var(--edge)}
.party dt{color:var(--ink-soft);font-size:.875rem;line-height:1.5rem}
.party dd{margin:0;display:flex;flex-direction:column;gap:.125rem;min-width:0}
.party .name{font-weight:550}
.proof{font-size:.875rem;color:var(--ink-soft)}
.caution-text{font-size:.875rem;color:var(--caution);background:var(--caution-wash);border-radius:.375rem;padding:.375rem .625rem;margin-top:.25rem}
.party .account{flex-flow:row wrap;justify-content:space-between;align-items:baseline;gap:0 .75rem}
.parties+.notice{margin-top:1.25rem;margin-bottom:0}
.decision{display:contents}
fieldset{border:0;margin:var(--gap) 0 0;padding:0;min-width:0}
legend{font-weight:700;padding:0;margin-bottom:.125rem}
.scopes{list-style:none;margin:.5rem 0 0;padding:0;display:grid;gap:.75rem}
.scope{display:grid;grid-template-columns:1.5rem minmax(0,1fr);column-gap:.625rem}
.scope label{display:block;padding:.0625rem 0;cursor:pointer}
.scope input{width:1.25rem;height:1.25rem;margin:.1875rem 0 0;accent-color:var(--accent)}
.scope-text{grid-column:2;margin:0;color:var(--ink-soft);font-size:.9375rem;overflow-wrap:anywhere}
.tag{display:inline-block;font-size:.75rem;font-weight:600;line-height:1.25rem;padding:0 .5rem;border-radius:1rem;background:var(--code);color:var(--ink-soft)}
.tag.fresh{background:var(--accent-wash);color:var(--accent)}
.tag.caution{background:var(--caution-wash);color:var(--caution)}
.decide{position:sticky;bottom:0;display:grid;grid-template-columns:1fr 1fr;gap:.75rem;margin:var(--gap) -2rem -2rem;padding:1rem 2rem;
background:var(--card);border-top:1px solid var(--edge);border-radius:0 0 1rem 1rem;box-shadow:0 -.75rem .75rem -.75rem rgb(16 32 26/.12)}
.approve-slot{position:relative;display:grid}
.approve-slot>*{grid-area:1/1}
.ghost{opacity:.45;cursor:default;user-select:none;display:grid;place-items:center}
.approve{position:relative;animation:arm 1s step-end both}
@keyframes arm{from{visibility:hidden}to{visibility:visible}}
@media (hover:hover) and (pointer:fine){
.approve-slot::after{content:"";position:absolute;inset:-.25rem;z-index:1;visibility:visible;transition:visibility 0s}
.card:hover .approve-slot::after{visibility:hidden;transition-delay:.5s}}
`

const narrow = `
@media (max-width:34rem){
.brand{padding:1rem 1.25rem .75rem;flex-wrap:wrap}
.brand-tagline{display:none}
.brand-person{display:block;margin:0;width:100%;text-align:left}
.nav{padding-inline:1.25rem}
.nav ul{column-gap:.875rem}
.nav a{font-size:.9375rem}
.card{border-width:1px 0;border-radius:0;box-shadow:none;padding:1.5rem 1.25rem}
.decide{margin:var(--gap) -1.25rem -1.5rem;padding:.75rem 1.25rem;border-radius:0}
.party{grid-template-columns:minmax(0,1fr);padding:.625rem .875rem}
h1{font-size:1.375rem}
.steps .code-box{grid-column:1/-1}}
@media (forced-colors:active){.ghost{opacity:1;color:GrayText}.notice,.card,.tag{border:1px solid CanvasText}}
@media (prefers-reduced-motion:no-preference){button,a,input{transition:background-color .12s,border-color .12s,color .12s}}
`

/** The one stylesheet, inline in each page; its hash stands in the CSP (SECURITY §13). */
export const styles = [designTokens, base, controlStyles, consent, accountStyles, dashboardStyles, narrow]
  .join('')
  .replace(/\n/g, '')
