/** Names people trust: nobody else may carry one, or one that looks like it (THREATS B20). */
const protectedNames = [
  'Anthropic',
  'Auth-Agent',
  'Auth-Agent MCP',
  'Auth-Agent MCP management',
  'ChatGPT',
  'Claude',
  'Claude Code',
  'Claude Desktop',
  'Codex',
  'Cursor',
  'Gemini',
  'Gemini CLI',
  'GitHub Copilot',
  'install-mcp',
  'OpenAI',
  'VS Code',
  'Visual Studio Code',
]

// Letters of other scripts, and digits, that are drawn like a Latin letter (a part of Unicode TS 39).
const lookAlikes: Readonly<Record<string, string>> = {
  а: 'a',
  ɑ: 'a',
  α: 'a',
  в: 'b',
  β: 'b',
  с: 'c',
  ϲ: 'c',
  ԁ: 'd',
  ɗ: 'd',
  е: 'e',
  ё: 'e',
  є: 'e',
  ε: 'e',
  ɡ: 'g',
  ց: 'g',
  һ: 'h',
  н: 'h',
  η: 'n',
  і: 'l',
  ї: 'l',
  ι: 'l',
  ı: 'l',
  ӏ: 'l',
  ј: 'j',
  к: 'k',
  κ: 'k',
  ⅼ: 'l',
  м: 'm',
  μ: 'm',
  п: 'n',
  ո: 'n',
  о: 'o',
  ο: 'o',
  σ: 'o',
  օ: 'o',
  р: 'p',
  ρ: 'p',
  ԛ: 'q',
  г: 'r',
  ѕ: 's',
  т: 't',
  τ: 't',
  υ: 'u',
  ս: 'u',
  ц: 'u',
  ν: 'v',
  ѵ: 'v',
  ԝ: 'w',
  ω: 'w',
  ѡ: 'w',
  х: 'x',
  χ: 'x',
  у: 'y',
  γ: 'y',
  ү: 'y',
  ᴢ: 'z',
  '0': 'o',
  '1': 'l',
  '3': 'e',
  '5': 's',
  i: 'l',
  '|': 'l',
  '!': 'l',
}

/** Two names that look alike have the same skeleton. */
function skeleton(name: string): string {
  return [...name.normalize('NFKD').toLowerCase()]
    .map((character) => lookAlikes[character] ?? character)
    .join('')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
}

const protectedSkeletons = new Set(protectedNames.map(skeleton))

const plainProtectedNames = new Set(protectedNames.map((name) => name.toLowerCase()))

/** Whether a name is drawn like a protected one without being spelt like it. Names nobody vouches for may equal one. */
export function isLookAlike(name: string): boolean {
  return protectedSkeletons.has(skeleton(name)) && !plainProtectedNames.has(name.toLowerCase())
}

/**
 * Text that shows what it is: no control, format (bidi, zero-width), private-use, unassigned or otherwise invisible
 * character; the selector that makes a sign an emoji is visible enough.
 */
export function isPlainText(text: string): boolean {
  return !/[\p{C}\p{Zl}\p{Zp}]|(?!\ufe0f)\p{Default_Ignorable_Code_Point}/u.test(text)
}

/**
 * A name as it is stored and shown: NFC, trimmed.
 * @returns undefined when it is empty, longer than `maximum` characters, not plain, or a protected name's look-alike
 */
export function parseDisplayName(name: string, maximum: number): string | undefined {
  const shown = name.normalize('NFC').trim()
  if (shown === '' || [...shown].length > maximum || !isPlainText(shown)) return undefined
  if (!/[\p{L}\p{N}]/u.test(shown)) return undefined
  return protectedSkeletons.has(skeleton(shown)) ? undefined : shown
}
