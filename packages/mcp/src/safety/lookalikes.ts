/**
 * Letters of other scripts that a person takes for a Latin one: from the confusables of UTS #39 those of Cyrillic,
 * Greek and Armenian, and of the phonetic alphabet, whose shape is the same in common fonts.
 */
const latin: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{ а: 'a', ԁ: 'd', е: 'e', һ: 'h', і: 'i', ј: 'j', ӏ: 'l', о: 'o', р: 'p', ԛ: 'q' },
    ...{ с: 'c', ѕ: 's', у: 'y', ѵ: 'v', ԝ: 'w', х: 'x', ү: 'y' },
    ...{ А: 'A', В: 'B', С: 'C', Е: 'E', Ԍ: 'G', Н: 'H', І: 'I', Ј: 'J', К: 'K', М: 'M', О: 'O' },
    ...{ Р: 'P', Ԛ: 'Q', Ѕ: 'S', Т: 'T', Ѵ: 'V', Ԝ: 'W', Х: 'X', У: 'Y', Ү: 'Y', Ӏ: 'I' },
    ...{ α: 'a', ι: 'i', κ: 'k', ν: 'v', ο: 'o', ρ: 'p', υ: 'u', ϲ: 'c', ϳ: 'j' },
    ...{ Α: 'A', Β: 'B', Ϲ: 'C', Ε: 'E', Η: 'H', Ι: 'I', Κ: 'K', Μ: 'M', Ν: 'N', Ο: 'O', Ρ: 'P' },
    ...{ Τ: 'T', Χ: 'X', Υ: 'Y', Ζ: 'Z' },
    ...{ ց: 'g', հ: 'h', յ: 'j', ո: 'n', օ: 'o', զ: 'q', ս: 'u', Լ: 'L', Օ: 'O', Ս: 'U' },
    ...{ ɑ: 'a', ɡ: 'g', ɩ: 'i' },
  }),
);
const lookalike = new RegExp(`[${[...latin.keys()].join('')}]`, 'gu');

/** The text with a Latin letter for each that looks like one. */
export const inLatin = (text: string): string =>
  text.replaceAll(lookalike, (letter) => latin.get(letter) ?? letter);

/** The first word that is written in Latin letters and others that look like them. A symbol beside a unit is no word. */
export function disguisedWord(text: string): string | undefined {
  for (const [word] of text.matchAll(/\p{L}{3,}/gu))
    if (word.search(lookalike) >= 0 && /[A-Za-z]/.test(word)) return word;
  return undefined;
}
