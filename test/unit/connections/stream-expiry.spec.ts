import { Controller, Get, Sse, type CallHandler, type FactoryProvider } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/internal';
import { NEVER } from 'rxjs';

import type { Identity } from '../../../lib/authentication/identity/identity.js';
import { StreamExpiry, streamExpiry } from '../../../lib/connections/stream-expiry.js';
import { attachIdentity } from '../../../lib/transports/attachment.js';

@Controller()
class Streams {
  @Sse('session') session() {
    return NEVER;
  }
  @Get('plain') plain() {
    return NEVER;
  }
}

/** What a session with an open task is too, unless one asks for it. */
const SIGNED_OUT = { isAuthenticated: false, tokenType: 'session_token' };

describe('StreamExpiry', () => {
  afterEach(() => void jest.useRealTimers());

  const session = (exp: number) => ({ isAuthenticated: true, tokenType: 'session_token', sessionClaims: { exp } });

  function stream(auth: object | undefined, handler: () => unknown = Streams.prototype.session) {
    const source = {};
    const context = new ExecutionContextHost([source], Streams, handler);
    const identity: Identity | undefined = auth && {
      ...{
        status: 'signed-in',
        tokenType: 'session_token',
        reason: null,
        hasCredentials: true,
        headers: new Headers(),
      },
      toAuth: (options) => ({ ...auth, ...(options?.treatPendingAsSignedOut === false ? {} : SIGNED_OUT) }) as never,
    };
    attachIdentity(source, identity);
    const instances = { for: async () => ({ options: { clockSkewInMs: 5_000 } }) as never };
    const next: CallHandler = { handle: () => NEVER };
    return new StreamExpiry(instances).intercept(context, next);
  }

  it('waits for the clock skew too, and ends the stream', async () => {
    jest.useFakeTimers({ now: 1_000_000 });
    const ended = jest.fn();
    (await stream(session(1_060))).subscribe({ complete: ended });
    jest.advanceTimersByTime(64_999);
    expect(ended).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(ended).toHaveBeenCalledTimes(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is cleared when the client leaves', async () => {
    jest.useFakeTimers({ now: 1_000_000 });
    const client = (await stream(session(1_060))).subscribe();
    expect(jest.getTimerCount()).toBe(1);
    client.unsubscribe();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not overflow with a token that lasts for years', async () => {
    jest.useFakeTimers({ now: 1_000_000 });
    const ended = jest.fn();
    (await stream(session(10_000_000_000))).subscribe({ complete: ended });
    jest.advanceTimersByTime(24 * 60 * 60 * 1000);
    expect(ended).not.toHaveBeenCalled();
  });

  it('ends at once a stream whose session has ended already', async () => {
    jest.useFakeTimers({ now: 1_000_000 });
    const ended = jest.fn();
    (await stream(session(900))).subscribe({ complete: ended });
    jest.advanceTimersByTime(1);
    expect(ended).toHaveBeenCalledTimes(1);
  });

  it.each<[string, object | undefined, (() => unknown)?]>([
    ['nobody', SIGNED_OUT, undefined],
    ['whom nobody looked at', undefined, undefined],
    ['machines', { isAuthenticated: true, tokenType: 'm2m_token', sessionClaims: { exp: 1_060 } }, undefined],
    ['routes that are no streams', session(1_060), Streams.prototype.plain],
  ])('sets no timer for %s, and answers without delay', (_, auth, handler) => {
    expect(stream(auth, handler)).toBe(NEVER);
  });

  it('is registered for the whole application where the option asks for it', () => {
    const { provide, useFactory } = streamExpiry as unknown as FactoryProvider<StreamExpiry | undefined>;
    expect(provide).toBe(StreamExpiry);
    for (const endStreamsOnExpiry of [true, false]) {
      const config = new ApplicationConfig();
      const interceptor = useFactory({ endStreamsOnExpiry }, {}, config) as StreamExpiry | undefined;
      expect(config.getGlobalInterceptors()).toEqual(endStreamsOnExpiry ? [interceptor] : []);
      expect(interceptor instanceof StreamExpiry).toBe(endStreamsOnExpiry);
    }
  });
});
