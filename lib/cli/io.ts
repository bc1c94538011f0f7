/** What the command uses of the process it runs in. */
export interface Io {
  readonly cwd: string;
  /** The environment that the application reads, which is `process.env`. */
  readonly env: Record<string, string | undefined>;
  out(line: string): void;
  err(line: string): void;
  /** Loads a module by its absolute path, be it an ES module or CommonJS. */
  load(file: string): Promise<unknown>;
}
