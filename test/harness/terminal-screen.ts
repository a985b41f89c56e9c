/** One row of a screen. A wrapped row goes on in the next one. */
interface Row {
  cells: string[];
  wrapped: boolean;
}

/** What a terminal shows of the bytes it was sent, with everything that scrolled away. */
export interface TerminalScreen {
  write(bytes: string): void;
  /** Rows that were broken are joined and broken anew, as most terminals do. */
  resize(columns: number, rows: number): void;
  /** Every line from the first on, as a person could scroll back to it. */
  lines(): readonly string[];
  /** The rows that are on the screen now. */
  visible(): readonly string[];
  readonly cursorVisible: boolean;
}

// Control characters are the subject here.
const escape = String.fromCharCode(27);
const token = new RegExp(`${escape}\\[([?]?)([0-9;]*)([A-Za-z])|\\r|\\n|\\p{Cc}|.`, 'gsu');
const wide =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff01-\uff60\u{1f300}-\u{1faff}]$/u;

/** A terminal that knows what orch uses and fails at everything else. */
export function terminalScreen(columns: number, rows: number): TerminalScreen {
  let all: Row[] = [{ cells: [], wrapped: false }];
  let [row, column, top] = [0, 0, 0];
  let [wraps, cursorVisible] = [true, true];
  let rest = '';

  const at = (index: number): Row => {
    while (all.length <= index) all.push({ cells: [], wrapped: false });
    return all[index] as Row;
  };
  const down = (): void => {
    row += 1;
    at(row);
    top = Math.max(top, row - rows + 1);
  };
  const put = (character: string): void => {
    const width = wide.test(character) ? 2 : 1;
    if (column + width > columns) {
      if (wraps) {
        at(row).wrapped = true;
        down();
        column = 0;
      } else column = columns - width;
    }
    const { cells } = at(row);
    while (cells.length < column) cells.push(' ');
    cells[column] = character;
    if (width === 2) cells[column + 1] = '';
    column += width;
  };
  const control = (mark: string, numbers: string, final: string): void => {
    const name = `${mark}${final}`;
    if (name === 'm') return;
    if (name === 'A') row = Math.max(top, row - Number(numbers || 1));
    else if (name === 'K' || name === 'J') {
      if (numbers !== '' && numbers !== '0') throw new Error(`unknown erase: ${numbers}${final}`);
      at(row).cells.length = Math.min(at(row).cells.length, column);
      at(row).wrapped = false;
      if (name === 'J') all.length = row + 1;
    } else if (mark === '?' && /^[hl]$/.test(final)) {
      if (numbers === '25') cursorVisible = final === 'h';
      else if (numbers === '7') wraps = final === 'h';
      else if (numbers !== '2026') throw new Error(`unknown mode: ${numbers}`);
    } else throw new Error(`unknown control sequence: ${mark}${numbers}${final}`);
  };
  const text = ({ cells }: Row): string =>
    [...cells]
      .map((cell) => cell)
      .join('')
      .trimEnd();

  return {
    write(bytes) {
      rest += bytes;
      // A sequence may arrive in pieces.
      const open = new RegExp(`${escape}(?:\\[[?0-9;]*)?$`).exec(rest);
      const whole = open ? rest.slice(0, open.index) : rest;
      rest = open?.[0] ?? '';
      for (const [part, mark, numbers = '', final] of whole.matchAll(token)) {
        if (final !== undefined) control(mark ?? '', numbers, final);
        else if (part === '\r') column = 0;
        else if (part === '\n') down();
        else if (part === '\b') column = Math.max(0, column - 1);
        else if (/\p{Cc}/u.test(part))
          throw new Error(`unknown control character: ${JSON.stringify(part)}`);
        else put(part);
      }
    },
    resize(newColumns, newRows) {
      const before = all;
      all = [];
      let [newRow, newColumn] = [0, 0];
      let cells: string[] = [];
      for (const [index, old] of before.entries()) {
        if (index === row) {
          newRow = all.length + Math.floor((cells.length + column) / newColumns);
          newColumn = (cells.length + column) % newColumns;
        }
        cells = [...cells, ...old.cells];
        if (old.wrapped) continue;
        do {
          const kept = cells.slice(0, newColumns);
          cells = cells.slice(newColumns);
          all.push({ cells: kept, wrapped: cells.length > 0 });
        } while (cells.length > 0);
      }
      [columns, rows, row, column] = [newColumns, newRows, newRow, newColumn];
      top = Math.max(0, row - rows + 1);
      at(row);
    },
    lines: () => all.map(text),
    visible: () => all.slice(top, top + rows).map(text),
    get cursorVisible() {
      return cursorVisible;
    },
  };
}
