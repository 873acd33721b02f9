/**
 * Colours by what they are for. Every text pair reaches 4.5:1 and every control edge 3:1 (WCAG 2.2, 1.4.3 and 1.4.11);
 * the browser tests hold that for light and dark.
 */
const light = `
--page:#f3f4f1;--card:#fff;--edge:#d9ddd7;--ink:#17211d;--ink-soft:#505b56;
--accent:#0c5c49;--accent-deep:#08463a;--on-accent:#fff;--accent-wash:#e7f1ed;
--control:#7b8781;--focus:#0b57d0;--code:#f1f3f0;
--caution:#6a4a00;--caution-wash:#fdf3d9;--caution-edge:#d9b451;
--alert:#9b1c13;--alert-deep:#7d140d;--on-alert:#fff;--alert-wash:#fdecea;--alert-edge:#d9837c;
--shadow:0 1px 2px rgb(16 32 26/.05),0 12px 32px -12px rgb(16 32 26/.16);`

const dark = `
--page:#0e1311;--card:#161c1a;--edge:#2d3633;--ink:#e8edea;--ink-soft:#a5b0ab;
--accent:#6fd3b3;--accent-deep:#93e2c9;--on-accent:#05231b;--accent-wash:#17302a;
--control:#7d8a84;--focus:#8ab4f8;--code:#1e2623;
--caution:#f2d588;--caution-wash:#2b2412;--caution-edge:#7a6224;
--alert:#ffb4ab;--alert-deep:#ffcfc9;--on-alert:#3b0a06;--alert-wash:#331815;--alert-edge:#8a3f38;
--shadow:0 1px 2px rgb(0 0 0/.4),0 16px 40px -16px rgb(0 0 0/.6);`

export const designTokens = `
:root{color-scheme:light dark;${light}
--sans:"Inter",system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace;
--radius:.625rem;--gap:1.5rem}
@media (prefers-color-scheme:dark){:root{${dark}}}`
