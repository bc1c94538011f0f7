/** How long a line is not written again. */
const QUIET_MS = 5_000;

/** Keeps what is logged with every request, as long as Clerk is down, from flooding the log. */
export class Repetitions {
  private readonly written = new Map<string, { readonly at: number; heldBack: number }>();

  constructor(private readonly now: () => number = () => Date.now()) {}

  /**
   * What to write of a line: nothing where one of its kind was written a moment ago.
   * @param kind There are only so many: they are kept for good.
   */
  next(kind: string, line: string): string | undefined {
    const now = this.now();
    const last = this.written.get(kind);
    if (last && now >= last.at && now < last.at + QUIET_MS) {
      last.heldBack++;
      return undefined;
    }
    this.written.set(kind, { at: now, heldBack: 0 });
    return last?.heldBack ? `${line} (and ${last.heldBack} more like it)` : line;
  }
}
