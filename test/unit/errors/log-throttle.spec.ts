import { Logger } from '@nestjs/common';

import { LogThrottle } from '../../../lib/errors/log-throttle.js';
import { RecordingLogger } from '../../support/recording-logger.js';

describe('LogThrottle', () => {
  let logger: RecordingLogger;
  let throttle: LogThrottle;
  beforeEach(() => {
    jest.useFakeTimers();
    Logger.overrideLogger((logger = new RecordingLogger()));
    throttle = new LogThrottle();
  });
  afterEach(() => {
    jest.useRealTimers();
    Logger.overrideLogger(false);
  });

  /** The lines written since the last call. */
  const written = () => logger.lines.splice(0).map((line) => line.replace(/( undefined)? ClerkGuard$/, ''));

  it('writes the first line of each kind at once, at its level', () => {
    throttle.write('debug', 'a');
    throttle.write('warn', 'b', 'b: line 1');
    throttle.write('error', 'c');
    expect(written()).toEqual(['debug a', 'warn b: line 1', 'error c']);
  });

  it('writes one line per kind in five seconds, with the number of suppressed ones', () => {
    throttle.write('warn', 'a', 'line 1');
    expect(written()).toEqual(['warn line 1']);
    for (const line of ['line 2', 'line 3', 'line 4']) throttle.write('warn', 'a', line);
    jest.advanceTimersByTime(4_999);
    expect(written()).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(written()).toEqual(['warn line 4 (and 2 more like it)']);
    // This line starts another five seconds.
    throttle.write('warn', 'a', 'line 5');
    expect(written()).toEqual([]);
    jest.advanceTimersByTime(5_000);
    expect(written()).toEqual(['warn line 5']);
  });

  it('writes at once again after five seconds in which no line was suppressed', () => {
    throttle.write('debug', 'a', 'line 1');
    jest.advanceTimersByTime(5_000);
    throttle.write('debug', 'a', 'line 2');
    expect(written()).toEqual(['debug line 1', 'debug line 2']);
  });

  it('writes suppressed lines when the application closes', () => {
    for (const kind of ['a', 'a', 'a', 'b', 'c', 'c']) throttle.write('debug', kind);
    written();
    throttle.onModuleDestroy();
    expect(written()).toEqual(['debug a (and 1 more like it)', 'debug c']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('unrefs its timers, and clears those of kinds that no longer occur', () => {
    const unref = jest.fn(() => 0);
    jest.spyOn(globalThis, 'setTimeout').mockReturnValueOnce({ unref } as never);
    throttle.write('debug', 'a');
    expect(unref).toHaveBeenCalledTimes(1);
    jest.restoreAllMocks();
    throttle.write('debug', 'b');
    jest.advanceTimersByTime(60_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('counts all kinds beyond 1,000 in five seconds as one', () => {
    for (let kind = 0; kind < 5_000; kind++) throttle.write('debug', `kind ${kind}`);
    expect(written()).toHaveLength(1_001);
    expect(jest.getTimerCount()).toBe(1_001);
    throttle.write('debug', 'kind 7');
    jest.advanceTimersByTime(5_000);
    expect(written()).toEqual(['debug kind 7', 'debug kind 4999 (and 3998 more like it)']);
    throttle.write('debug', 'kind 4999');
    expect(written()).toEqual(['debug kind 4999']);
  });
});
