/** A measured value, with its goal if it has one. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit?: string;
  /** The goal: a minimum. */
  readonly atLeast?: number;
  /** The goal: a maximum. */
  readonly atMost?: number;
}

/** @returns whether the figure meets its goal; an empty string if it has none. */
export function statusOf({ value, atLeast, atMost }: Figure): 'pass' | 'miss' | '' {
  if (atLeast === undefined && atMost === undefined) return '';
  return value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity) ? 'pass' : 'miss';
}

/** Formats the figures as a Markdown table with aligned columns. */
export function formatTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.what,
    `${rounded(figure.value)}${figure.unit ? ` ${figure.unit}` : ''}`,
    goalOf(figure),
    statusOf(figure),
  ]);
  const all = [['', 'measured', 'goal', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(3, ...all.map((row) => (row[column] as string).length)));
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
