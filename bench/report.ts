/** A measured value, with its goal if it has one. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  /** The lowest and the highest value of the rounds, if `value` is their median. */
  readonly spread?: readonly [lowest: number, highest: number];
  readonly unit?: string;
  /** The goal: a minimum. */
  readonly atLeast?: number;
  /** The goal: a maximum. */
  readonly atMost?: number;
}

/** Close: the rounds do not agree, so another run may have the opposite result. */
export type Status = 'pass' | 'pass (close)' | 'miss (close)' | 'miss' | '';

/** @returns whether the figure meets its goal; an empty string if it has none. */
export function statusOf(figure: Figure): Status {
  if (figure.atLeast === undefined && figure.atMost === undefined) return '';
  const result = meetsGoal(figure, figure.value) ? 'pass' : 'miss';
  const agrees = (figure.spread ?? []).every((value) => meetsGoal(figure, value) === (result === 'pass'));
  return agrees ? result : `${result} (close)`;
}

const meetsGoal = ({ atLeast = -Infinity, atMost = Infinity }: Figure, value: number) =>
  value >= atLeast && value <= atMost;

/** The median of the rounds, and their spread. */
export function summaryOf(rounds: readonly number[]): Required<Pick<Figure, 'value' | 'spread'>> {
  return { value: median(rounds), spread: [Math.min(...rounds), Math.max(...rounds)] };
}

/** Formats the figures as a Markdown table with aligned columns. */
export function formatTable(figures: readonly Figure[]): string {
  const withSpread = figures.some(({ spread }) => spread);
  const rows = figures.map((figure) => [
    figure.what,
    `${rounded(figure.value)}${figure.unit ? ` ${figure.unit}` : ''}`,
    ...(withSpread ? [figure.spread?.map(rounded).join(' – ') ?? ''] : []),
    goalOf(figure),
    statusOf(figure),
  ]);
  const all = [['', 'measured', ...(withSpread ? ['spread'] : []), 'goal', ''], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(3, ...all.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |`;
  return [line(all[0] as string[]), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function goalOf({ atLeast, atMost }: Figure): string {
  if (atLeast !== undefined) return `≥ ${atLeast}`;
  return atMost === undefined ? '' : `≤ ${atMost}`;
}

const rounded = (value: number) => (Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
