import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { disguisedWord, inLatin } from './lookalikes.js';
import type { Neighbours } from './neighbours.js';
import { hiddenIn, visibleText, type HiddenKind } from './visible-text.js';

/**
 * - `control`, `bidi`, `tag_characters`, `invisible`: characters that a person does not see.
 * - `lookalike`: a word of Latin letters and of others that look like them.
 * - `override`: it tells its reader to drop other instructions.
 * - `concealment`: it tells its reader to keep something from the user.
 * - `hidden_markup`: tags or comments that address a model (`<IMPORTANT>`).
 * - `secret_path`: a place where keys lie.
 * - `exfiltration`: it asks for keys or the conversation to be sent on.
 * - `preemption`: it wants to be asked before, or in the place of, any other tool.
 * - `shadowing`: it speaks of another server's tool.
 * - `too_large`: more than a person reads, or than is looked at.
 */
export type FindingKind =
  | HiddenKind
  | 'lookalike'
  | 'override'
  | 'concealment'
  | 'hidden_markup'
  | 'secret_path'
  | 'exfiltration'
  | 'preemption'
  | 'shadowing'
  | 'too_large';

/** Something in a server's words that should not be there. */
export interface Finding {
  readonly kind: FindingKind;
  /** Where in the definition, as a JSON pointer. */
  readonly at: string;
  /** What stands there, made visible. */
  readonly excerpt: string;
  /** It stands where it cannot be taken out without changing what the definition means. */
  readonly inName: boolean;
}

const phrases: readonly (readonly [FindingKind, RegExp])[] = [
  [
    'override',
    /\b(?:ignore|disregard|forget|override|bypass)\b[^.!?]{0,40}\b(?:previous|prior|above|earlier|preceding|all|any|other|your|system)\b[^.!?]{0,30}\b(?:instruction|prompt|rule|direction|guideline|message|policy|policies|safeguard|context)/,
  ],
  [
    'concealment',
    /\b(?:do not|don't|dont|never|without|must not|should not|avoid)\b[^.!?]{0,30}\b(?:tell|mention|inform|reveal|show|notify|alert|disclose|explain|telling|mentioning|informing|revealing|showing|notifying|alerting|disclosing)\b[^.!?]{0,40}\b(?:user|human|person|anyone|anybody|operator|developer)\b/,
  ],
  [
    'hidden_markup',
    /<\s*\/?\s*(?:important|system|secret|instructions?|hidden|admin|assistant|critical|mandatory|s>|\|im_(?:start|end)\|)[^<>]{0,80}>|<!--|\[\/?inst\]|<\|(?:im_start|im_end|system|user|assistant)\|>/,
  ],
  [
    'secret_path',
    /(?:^|[^\w.])\.(?:ssh|aws|gnupg|kube|netrc|npmrc|pypirc|git-credentials|env|claude\.json|docker\/config\.json|config\/gcloud|cursor\/mcp\.json)(?![\w-])|\bid_(?:rsa|ed25519|ecdsa)\b|\/etc\/(?:passwd|shadow|sudoers)\b|\/proc\/self\/environ|\b169\.254\.169\.254\b/,
  ],
  [
    'exfiltration',
    /\b(?:send|post|upload|forward|exfiltrate|append|bcc|leak|transmit)s?\b[^.!?]{0,60}\b(?:api[_ -]?keys?|passwords?|credentials?|private keys?|secrets?|access tokens?|environment variables?|conversation|chat history|system prompt)\b/,
  ],
  [
    'preemption',
    /\b(?:always|must|before|prior to|instead of|in place of|first)\b[^.!?]{0,40}\b(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|run(?:ning)?)\b[^.!?]{0,20}\b(?:any|all|every|each|other|another)\b[^.!?]{0,15}\b(?:tools?|functions?)\b/,
  ],
];

/** Longer texts are not looked through, and nobody reads them. */
const mostCharacters = 100_000;
const mostNodes = 20_000;
const deepest = 64;
const mostFindings = 20;

/** The keys whose values are written for readers; everywhere else a text is a name, or has to match something. */
const prose: ReadonlySet<string> = new Set(['title', 'description', '$comment', 'instructions']);

/** Looks through all keys and texts of a definition. Ends after 20 findings. */
export function scan(
  server: string,
  definition: JsonObject,
  neighbours: Neighbours,
): readonly Finding[] {
  const findings: Finding[] = [];
  let nodes = 0;
  let characters = 0;
  let reached = 0;

  function look(text: string, at: string, inName: boolean): void {
    characters += text.length;
    if (characters > mostCharacters) return;
    const found = (kind: FindingKind, what: string): void => {
      findings.push({ kind, at, excerpt: shown(what), inName });
    };
    for (const kind of hiddenIn(text)) found(kind, text);
    const words = visibleText(text).normalize('NFKC').replaceAll(/\s+/g, ' ');
    const disguised = disguisedWord(words);
    if (disguised !== undefined) found('lookalike', disguised);
    // As its reader understands it, whatever script it is written in.
    const latin = inLatin(words);
    const lower = latin.toLowerCase();
    for (const [kind, pattern] of phrases) {
      const match = pattern.exec(lower);
      if (match !== null) found(kind, words.slice(match.index, match.index + match[0].length));
    }
    // What it calls its own is its own affair; what it tells of others is not.
    const other = inName ? undefined : neighbours.mentions(server, latin);
    if (other !== undefined) found('shadowing', other);
  }

  function walk(value: Json | undefined, at: string, key: string, depth: number): void {
    nodes += 1;
    reached = Math.max(reached, depth);
    if (findings.length >= mostFindings || nodes > mostNodes || depth > deepest) return;
    if (typeof value === 'string') look(value, at, !prose.has(key));
    else if (Array.isArray(value))
      (value as readonly Json[]).forEach((one, index) => {
        walk(one, `${at}/${index}`, key, depth + 1);
      });
    else if (isJsonObject(value))
      for (const [name, one] of Object.entries(value)) {
        const below = `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        if (!plainKey.test(name)) look(name, below, true);
        walk(one, below, name, depth + 1);
      }
  }

  walk(definition, '', '', 0);
  if (characters > mostCharacters || nodes > mostNodes || reached > deepest)
    findings.push({
      kind: 'too_large',
      at: '',
      excerpt: `more than ${mostCharacters} characters, ${mostNodes} values or ${deepest} levels`,
      inName: false,
    });
  return findings.slice(0, mostFindings);
}

const plainKey = /^[\w$-]{1,64}$/;

/** The definition as it may be shown: what is written for readers without what is hidden in it. */
export function cleaned<T extends JsonObject>(definition: T): T {
  return clean(definition, '', 0) as T;
}

function clean(value: Json | undefined, key: string, depth: number): Json | undefined {
  if (typeof value === 'string') return prose.has(key) ? visibleText(value) : value;
  if (typeof value !== 'object' || value === null || depth > deepest) return value;
  if (Array.isArray(value))
    return (value as readonly Json[]).map((one) => clean(one, key, depth + 1) as Json);
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, clean(one, name, depth + 1)]),
  );
}

/** A text on one line in which each hidden character is written as its number. */
export function shown(text: string, limit = 160): string {
  const visible = text
    .slice(0, 4 * limit)
    .replaceAll(/\s+/gu, ' ')
    .replaceAll(
      /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufe00-\ufe0f\u{e0100}-\u{e01ef}\u034f\u115f\u1160\u3164\uffa0]/gu,
      (one) => `\\u{${one.codePointAt(0)?.toString(16) ?? ''}}`,
    )
    .trim();
  return visible.length <= limit ? visible : `${visible.slice(0, limit - 1)}…`;
}
