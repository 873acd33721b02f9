/** Fields and buttons; nothing to press is less than 44 px high on a touch screen but links in running text. */
export const controlStyles = `
label{display:block}
form>label{font-weight:600;margin-bottom:.375rem}
input[type=email],input[type=text],input[type=number],textarea,select{width:100%;font:inherit;color:inherit;background:var(--card);border:1px solid var(--control);
border-radius:var(--radius);padding:.6875rem .875rem;min-height:2.875rem}
input.code{font-size:1.375rem;letter-spacing:.25em;font-variant-numeric:tabular-nums}
input[aria-invalid]{border-color:var(--alert)}
input+.hint{margin:.5rem 0 1.25rem}
button,.button-link,.ghost{font:inherit;font-weight:600;line-height:1.25;min-height:2.875rem;padding:.625rem 1.125rem;border-radius:var(--radius);
border:1px solid transparent;text-align:center;cursor:pointer}
.primary,.button-link.filled{background:var(--accent);color:var(--on-accent)}
.primary:hover,.button-link.filled:hover{background:var(--accent-deep);color:var(--on-accent)}
.primary.ghost,.primary.ghost:hover{background:var(--accent);cursor:default}
.quiet{background:transparent;color:var(--ink);border-color:var(--control)}
.quiet:hover{background:var(--code)}
.danger{background:var(--alert);color:var(--on-alert)}
.danger:hover{background:var(--alert-deep);color:var(--on-alert)}
.danger.quiet,.outlined.danger{background:transparent;color:var(--alert);border-color:var(--alert-edge)}
.danger.quiet:hover,.outlined.danger:hover{background:var(--alert-wash);color:var(--alert)}
.small{min-height:2.375rem;padding:.375rem .875rem;font-size:.9375rem}
@media (pointer:coarse){.small{min-height:2.75rem}}
.full{width:100%}
.choices{display:grid;gap:.625rem}
.button-link{display:inline-flex;align-items:center;justify-content:center;flex-wrap:wrap;gap:0 .35em;text-decoration:none;max-width:100%;overflow-wrap:anywhere}
.button-link:not(.filled,.outlined){text-decoration:underline;padding-inline:0}
.text-button{min-height:0;padding:.125rem 0;border:0;background:none;color:var(--accent);font-size:.875rem;font-weight:500;text-decoration:underline;text-underline-offset:.18em}
.text-button:hover{color:var(--accent-deep)}
`
