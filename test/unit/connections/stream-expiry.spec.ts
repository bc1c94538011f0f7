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

/** The auth object without a signed-in session, as for pending sessions by default. */
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

  it('ends the stream when token lifetime and clock skew are over', async () => {
    jest.useFakeTimers({ now: 1_000_000 });
    const ended = jest.fn();
    (await stream(session(1_060))).subscribe({ complete: ended });
    jest.advanceTimersByTime(64_999);
    expect(ended).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(ended).toHaveBeenCalledTimes(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('clears its timer when the client disconnects', async () => {
    jest.useFakeTimers({ now: 1_000_000 });
    const client = (await stream(session(1_060))).subscribe();
    expect(jest.getTimerCount()).toBe(1);
    client.unsubscribe();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not end the stream early for a token that lasts for years', async () => {
    jest.useFakeTimers({ now: 1_000_000 });
    const ended = jest.fn();
    (await stream(session(10_000_000_000))).subscribe({ complete: ended });
    jest.advanceTimersByTime(24 * 60 * 60 * 1000);
    expect(ended).not.toHaveBeenCalled();
  });

  it('ends a stream at once if its token has already expired', async () => {
    jest.useFakeTimers({ now: 1_000_000 });
    const ended = jest.fn();
    (await stream(session(900))).subscribe({ complete: ended });
    jest.advanceTimersByTime(1);
    expect(ended).toHaveBeenCalledTimes(1);
  });

  it.each<[string, object | undefined, (() => unknown)?]>([
    ['signed-out callers', SIGNED_OUT, undefined],
    ['requests without an identity', undefined, undefined],
    ['machines', { isAuthenticated: true, tokenType: 'm2m_token', sessionClaims: { exp: 1_060 } }, undefined],
    ['routes that are not streams', session(1_060), Streams.prototype.plain],
  ])('returns the handler’s stream unchanged for %s', (_, auth, handler) => {
    expect(stream(auth, handler)).toBe(NEVER);
  });

  it('is registered as a global interceptor only with endStreamsOnExpiry', () => {
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
