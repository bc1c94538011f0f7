import { createClerkRequest } from '@clerk/backend/internal';

import { backendCallFor } from '../../../lib/authentication/backend-call.js';
import type { AcceptsToken } from '../../../lib/authentication/token-types.js';

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = Math.floor(Date.now() / 1000);
const jwt = (exp: number | undefined) => `${encode({ kid: 'ins_1' })}.${encode({ exp })}.AAAA`;
const [current, expired] = [jwt(now + 60), jwt(now - 1)];

describe('Clerk needs its Backend API', () => {
  it.each<[string, Record<string, string>, ReturnType<typeof backendCallFor>, AcceptsToken?, RequestInit?]>([
    ['nothing for nobody', {}, undefined],
    ['nothing for a session token', { authorization: `Bearer ${expired}` }, undefined],
    ['to verify an API key', { authorization: 'Bearer ak_x' }, 'verify', 'api_key'],
    ['to verify an opaque M2M token', { authorization: 'Bearer mt_x' }, 'verify', 'any'],
    ['to verify an opaque OAuth token', { authorization: 'oat_x' }, 'verify', ['session_token', 'oauth_token']],
    ['nothing for an API key that is not accepted', { authorization: 'Bearer ak_x' }, undefined],
    ['nothing for a machine JWT', { authorization: `Bearer ${current}` }, undefined, 'm2m_token'],
    ['nothing for another scheme', { authorization: 'Basic ak_x' }, undefined, 'api_key'],
    ['to exchange a nonce', { cookie: '__clerk_handshake_nonce=x' }, 'exchange'],
    ['nothing for a nonce beside a token', { cookie: '__clerk_handshake=x', authorization: 'Bearer x' }, undefined],
    ['nothing for a nonce where no session counts', { cookie: '__clerk_handshake_nonce=x' }, undefined, 'api_key'],
    ['nothing for a browser’s session', { cookie: `__session=${current}; __refresh_x=r` }, undefined],
    ['to refresh one that has expired', { cookie: `__session=${expired}; __refresh_x=r` }, 'exchange'],
    ['to refresh one under the suffix', { cookie: `__session_suffix=${expired}; __refresh_suffix=r` }, 'exchange'],
    ['nothing for one that never expires', { cookie: `__session=${jwt(undefined)}; __refresh=r` }, undefined],
    ['nothing without a refresh token', { cookie: `__session=${expired}` }, undefined],
    [
      'nothing where a refresh is out of question',
      { cookie: `__session=${expired}; __refresh=r` },
      undefined,
      'any',
      { method: 'POST' },
    ],
  ])('%s', (_, headers, call, acceptsToken = 'session_token', init) => {
    const request = createClerkRequest(new Request('http://app.test/', { ...init, headers }));
    expect(backendCallFor(request, acceptsToken, 'suffix')).toBe(call);
  });
});
