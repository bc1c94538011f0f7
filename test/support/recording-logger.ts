import type { LoggerService } from '@nestjs/common';

/** Everything that a Nest application logged, line by line. */
export class RecordingLogger implements LoggerService {
  readonly lines: string[] = [];
  private readonly record =
    (level: string) =>
    (message: unknown, ...rest: unknown[]) =>
      void this.lines.push([level, String(message), ...rest.map(String)].join(' '));
  readonly log = this.record('log');
  readonly error = this.record('error');
  readonly warn = this.record('warn');
  readonly debug = this.record('debug');
  readonly verbose = this.record('verbose');

  /** Lines of one level that ClerkGuard wrote. */
  ofGuard(level: string): string[] {
    return this.lines.filter((line) => line.startsWith(`${level} `) && line.endsWith(' ClerkGuard'));
  }
}
