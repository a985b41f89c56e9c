/**
 * Characters that a person does not see, or that change what a person sees, in what servers say of themselves.
 * A model reads all of them.
 */
export type HiddenKind = 'control' | 'bidi' | 'tag_characters' | 'invisible';

// A sequence ends a screen's line, colours it or rewrites it: CSI, OSC, and the two-character ones.
// eslint-disable-next-line no-control-regex -- they are what is looked for
const ansi = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,2000}(?:\u0007|\u001b\\)|[@-_])/g;
// eslint-disable-next-line no-control-regex -- they are what is looked for
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029]/g;
const bidi = /\p{Bidi_Control}/gu;
const tags = /[\u{e0000}-\u{e007f}]/gu;
/**
 * What a script or a picture needs: the flags of England, Scotland and Wales, written in tags; joiners between
 * pictures, or between the letters of some scripts; one look of an emoji.
 */
const needed =
  /\u{1f3f4}[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{3,6}\u{e007f}|(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})|(?<=[\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Malayalam}\p{Script=Sinhala}])[\u200c\u200d](?=[\p{L}\p{M}])|(?<=[\p{Emoji}\p{S}])[\ufe0e\ufe0f](?![\ufe00-\ufe0f])/gu;
/** Nothing to see, and room for a message: also the selectors of variants, of which each can carry a byte. */
const invisible =
  // eslint-disable-next-line no-misleading-character-class -- each is looked for by itself
  /[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200d\u2060-\u2064\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\u{1d173}-\u{1d17a}\u{e0100}-\u{e01ef}]/gu;

const has = (pattern: RegExp, text: string): boolean => {
  pattern.lastIndex = 0;
  return pattern.test(text);
};

/** Plain text of ASCII needs no second look; nearly all is. */
const isPlain = (text: string): boolean => /^[\t\n\r -~]*$/.test(text);

/** Which kinds of hidden characters a text holds. */
export function hiddenIn(text: string): readonly HiddenKind[] {
  if (isPlain(text)) return [];
  const rest = text.replaceAll(needed, '');
  const kinds: HiddenKind[] = [];
  if (has(control, text)) kinds.push('control');
  if (has(bidi, text)) kinds.push('bidi');
  if (has(tags, rest)) kinds.push('tag_characters');
  if (has(invisible, rest)) kinds.push('invisible');
  return kinds;
}

/** The text without what is hidden in it. */
export function visibleText(text: string): string {
  if (isPlain(text)) return text;
  const kept: string[] = [];
  let next = 0;
  return (
    text
      // A character that is none marks the places of what is to stay.
      .replaceAll('\ufdd0', '')
      .replaceAll(ansi, '')
      .replaceAll(needed, (one) => {
        kept.push(one);
        return '\ufdd0';
      })
      .replaceAll(control, '')
      .replaceAll(bidi, '')
      .replaceAll(tags, '')
      .replaceAll(invisible, '')
      .replaceAll('\ufdd0', () => kept[next++] ?? '')
  );
}
