/** Adds up the numbers in a text. */
export function total(text) {
  let sum = '';
  for (const number of text.match(/-?\d+/g) ?? []) sum += number;
  return Number(sum);
}
