import type { Explanation, Leaf, Origin } from '@orch/core/settings';
import { oneLine } from './neutral.js';
import type { Screen, Style } from './screen.js';

/** `parallel = 4`, and behind it where it came from. */
export function leafLine(screen: Screen, leaf: Leaf, withOrigin: boolean): string {
  const said = `${oneLine(leaf.path)} = ${oneLine(JSON.stringify(leaf.value))}`;
  return withOrigin ? `${said}  ${screen.style('dim', originText(leaf.origin))}` : said;
}

const outcomes: Readonly<Record<Explanation['contributions'][number]['outcome'], Style>> = {
  wins: 'green',
  joins: 'green',
  loses: 'dim',
  refused: 'yellow',
  denied: 'red',
};

/** `  wins     "x"  user /home/…/settings.yaml:3:1`, with the reason where it does not count. */
export function contributionLine(
  screen: Screen,
  { outcome, value, origin, reason }: Explanation['contributions'][number],
): string {
  const why = reason === undefined ? '' : `: ${reason}`;
  const label = screen.style(outcomes[outcome], outcome.padEnd(8));
  return `  ${label} ${oneLine(JSON.stringify(value))}  ${originText(origin)}${oneLine(why)}`;
}

export function originText({ tier, source, line, column }: Origin): string {
  const place = [source, line, column].filter((one) => one !== undefined);
  return oneLine(`${tier} ${place.join(':')}`);
}
