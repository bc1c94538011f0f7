/** The parts of the process that the command uses. */
export interface Io {
  readonly cwd: string;
  /** The environment of the application: `process.env`. */
  readonly env: Record<string, string | undefined>;
  out(line: string): void;
  err(line: string): void;
  /** Loads an ES module or CommonJS module by its absolute path. */
  load(file: string): Promise<unknown>;
}
