import { inBoth, MALFORMED, request, type Attack, type Family, type Sent, type Stage, UNAUTHORIZED } from './entry.js';

const FORM = 'application/x-www-form-urlencoded';

/** The good token where none belongs. */
const inPlace = (name: string, source: string, place: (token: string) => Sent): Attack =>
  request(name, source, ({ good }) => place(good.session));

const header = (name: string, source: string, field: string, write = (token: string) => `Bearer ${token}`): Attack =>
  inPlace(name, source, (token) => ({ headers: [[field, write(token)]] }));

const cookie = (name: string, source: string, write: (token: string, stage: Stage) => string): Attack =>
  request(name, source, (stage) => ({
    headers: [['Cookie', `__client_uat=1; __clerk_db_jwt=d; ${write(stage.good.session, stage)}`]],
  }));

const posted = (type: string, body: string): Sent => ({
  method: 'POST',
  headers: [
    ['Content-Type', type],
    ['Content-Length', String(Buffer.byteLength(body))],
  ],
  body,
});

/** A good token somewhere else than in the Authorization header or Clerk's cookies. */
export const carriers: Family = {
  name: 'carriers',
  control: ({ good }) => [
    ...inBoth(good.session),
    { method: 'POST', headers: [...(inBoth(good.session)[0]?.headers ?? []), ['Content-Length', '0']] },
  ],
  attacks: [
    inPlace('?access_token', 'RFC 6750 §2.3', (token) => ({ query: `?access_token=${token}` })),
    inPlace('?token', 'RFC 6750 §5.3', (token) => ({ query: `?token=${token}` })),
    inPlace('?authorization', 'CWE-598', (token) => ({ query: `?authorization=Bearer%20${token}` })),
    inPlace('?__session', 'CWE-598', (token) => ({ query: `?__session=${token}` })),
    inPlace('?__clerk_db_jwt', 'CWE-598', (token) => ({ query: `?__clerk_db_jwt=${token}` })),
    inPlace('?__clerk_session_token', 'CWE-598', (token) => ({ query: `?__clerk_session_token=${token}` })),
    inPlace('the fragment', 'CWE-598', (token) => ({ query: `#access_token=${token}` })),
    inPlace('a form', 'RFC 6750 §2.2', (token) => posted(FORM, `access_token=${token}`)),
    inPlace('a JSON body', 'RFC 6750 §2.2', (token) =>
      posted(
        'application/json',
        JSON.stringify({ access_token: token, headers: { authorization: `Bearer ${token}` } }),
      ),
    ),
    inPlace('the trailer of a chunked body', 'RFC 9110 §6.5.1', (token) => ({
      method: 'POST',
      headers: [
        ['Transfer-Encoding', 'chunked'],
        ['Trailer', 'Authorization'],
        ['Content-Type', 'text/plain'],
      ],
      body: `1\r\na\r\n0\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    })),
    header('X-Authorization', 'RFC 6750 §2.1', 'X-Authorization'),
    header('X-Forwarded-Authorization', 'RFC 6750 §2.1', 'X-Forwarded-Authorization'),
    header('X-Original-Authorization', 'RFC 6750 §2.1', 'X-Original-Authorization'),
    header('Proxy-Authorization', 'RFC 9110 §11.7.2', 'Proxy-Authorization'),
    header('Authentication', 'RFC 6750 §2.1', 'Authentication'),
    header('WWW-Authenticate', 'RFC 9110 §11.6.1', 'WWW-Authenticate'),
    header('Authorization with an underscore', 'CWE-444', 'Authorization_'),
    header('X-Access-Token', 'RFC 6750 §2.1', 'X-Access-Token', String),
    header('X-Auth-Token', 'RFC 6750 §2.1', 'X-Auth-Token', String),
    header('X-Api-Key', 'RFC 6750 §2.1', 'X-Api-Key', String),
    header('X-Clerk-Auth-Token', 'CWE-290', 'X-Clerk-Auth-Token', String),
    header('Clerk-Session', 'CWE-290', 'Clerk-Session', String),
    header('__session as a header', 'CWE-290', '__session', String),
    header('the protocols of a WebSocket', 'RFC 6455 §1.9', 'Sec-WebSocket-Protocol', (token) => `bearer, ${token}`),
    header('the referrer', 'RFC 6750 §5.3', 'Referer', (token) => `https://app.example.com/?__session=${token}`),
    header('the user of a forwarded host', 'CWE-290', 'X-Forwarded-Host', () => 'user:password@api.example.com'),
    request('what Clerk answers, said by a client', 'CWE-290', ({ good }) => ({
      headers: [
        ['X-Clerk-Auth-Status', 'signed-in'],
        ['X-Clerk-Auth-Token', good.session],
        ['X-Clerk-Auth-Signature', 'x'],
        ['X-Clerk-Auth-Reason', ''],
        ['X-Clerk-Auth-Message', ''],
      ],
    })),
    request('what proxies say of a user', 'CWE-290', () => ({
      headers: [
        ['X-User-Id', 'user_1'],
        ['X-Remote-User', 'user_1'],
        ['Remote-User', 'user_1'],
        ['X-Authenticated-User', 'user_1'],
      ],
    })),
    request('the header that skipped middleware', 'CVE-2025-29927 (Next.js)', () => ({
      headers: [['X-Middleware-Subrequest', 'middleware:middleware:middleware:middleware:middleware']],
    })),

    cookie('a cookie called session', 'CWE-565', (token) => `session=${token}`),
    cookie('a cookie called token', 'CWE-565', (token) => `token=${token}`),
    cookie('a cookie called authorization', 'CWE-565', (token) => `authorization=Bearer ${token}`),
    cookie('a cookie in other letters', 'RFC 6265 §4.1.1', (token) => `__Session=${token}; __SESSION=${token}`),
    cookie('a cookie with one underscore', 'RFC 6265 §4.1.1', (token) => `_session=${token}`),
    cookie('a cookie under an encoded name', 'CVE-2020-7070 (PHP)', (token) => `%5F%5Fsession=${token}`),
    cookie('a cookie with the prefix __Host-', 'CVE-2020-7070 (PHP)', (token) => `__Host-__session=${token}`),
    cookie('a cookie with the prefix __host-', 'CVE-2020-7070 (PHP)', (token) => `__host-__session=${token}`),
    cookie('a cookie with the prefix __Secure-', 'RFC 6265 §4.1.1', (token) => `__Secure-__session=${token}`),
    cookie('a cookie within the value of another', 'RFC 6265 §4.2.1', (token) => `a=__session=${token}`),
    cookie('a cookie without a name', 'CWE-565', (token) => `=__session=${token}`),
    cookie('a cookie behind a comma', 'RFC 6265 §4.2.1', (token) => `a=b,__session=${token}`),
    cookie('a cookie for another suffix', 'CWE-565', (token) => `__session_AAAAAAAA=${token}`),
    cookie('the cookie of a refresh token', 'CWE-565', (token) => `__refresh=${token}`),
    cookie('the cookie of a development browser', 'CWE-565', (token) => `__clerk_db_jwt=${token}`),
    cookie('a cookie with a scheme', 'CWE-565', (token) => `__session=Bearer ${token}`),
    request('a cookie in the header Cookie2', 'RFC 6265 §9.3', ({ good }) => ({
      headers: [['Cookie2', `__session=${good.session}; __client_uat=1`]],
    })),
    request('a cookie in the header Set-Cookie', 'RFC 6265 §4.1', ({ good }) => ({
      headers: [['Set-Cookie', `__session=${good.session}; __client_uat=1`]],
    })),
  ],
};

const scheme = (name: string, source: string, write: (token: string) => string, outcome = UNAUTHORIZED): Attack =>
  request(name, source, ({ good }) => ({ headers: [['Authorization', write(good.session)]] }), outcome);

/** The Authorization header, spelt otherwise. Clerk takes `Bearer ` with one blank, and a token without a scheme. */
export const schemes: Family = {
  name: 'the Authorization header',
  control: ({ good }) => [...inBoth(good.session), { headers: [['Authorization', good.session]] }],
  attacks: [
    scheme('bearer in small letters', 'RFC 9110 §11.1', (token) => `bearer ${token}`),
    scheme('BEARER in capital letters', 'RFC 9110 §11.1', (token) => `BEARER ${token}`),
    scheme('the scheme Token', 'RFC 6750 §2.1', (token) => `Token ${token}`),
    scheme('the scheme JWT', 'RFC 6750 §2.1', (token) => `JWT ${token}`),
    scheme('the scheme DPoP', 'RFC 9449 §7.1', (token) => `DPoP ${token}`),
    scheme('the scheme Basic', 'RFC 7617 §2', (token) => `Basic ${token}`),
    scheme('Basic with the token as password', 'RFC 7617 §2', (token) => `Basic ${btoa(`user:${token}`)}`),
    scheme('Basic with the token as user', 'RFC 7617 §2', (token) => `Basic ${btoa(`${token}:`)}`),
    scheme('the scheme Digest', 'RFC 6750 §2.1', (token) => `Digest username="x", response="${token}"`),
    scheme('the scheme Negotiate', 'RFC 6750 §2.1', (token) => `Negotiate ${token}`),
    scheme('two blanks', 'RFC 6750 §2.1', (token) => `Bearer  ${token}`),
    scheme('a tab', 'RFC 6750 §2.1', (token) => `Bearer\t${token}`),
    scheme('a no-break space', 'RFC 6750 §2.1', (token) => `Bearer\u00a0${token}`),
    scheme('a full-width letter', 'RFC 6750 §2.1', (token) => `Ｂearer ${token}`),
    scheme('no blank', 'RFC 6750 §2.1', (token) => `Bearer${token}`),
    scheme('a colon', 'RFC 6750 §2.1', (token) => `Bearer: ${token}`),
    scheme('an equals sign', 'RFC 6750 §2.1', (token) => `Bearer=${token}`),
    scheme('a quoted token', 'RFC 6750 §2.1', (token) => `Bearer "${token}"`),
    scheme('a named token', 'RFC 6750 §2.1', (token) => `Bearer token="${token}"`),
    scheme('a token in angle brackets', 'RFC 6750 §2.1', (token) => `Bearer <${token}>`),
    scheme('a comma behind it', 'RFC 9110 §5.6.1', (token) => `Bearer ${token},`),
    scheme('a semicolon behind it', 'RFC 6750 §2.1', (token) => `Bearer ${token};`),
    scheme('a list, the good one first', 'RFC 9110 §5.3', (token) => `Bearer ${token}, Bearer bad`),
    scheme('a list, the good one last', 'RFC 9110 §5.3', (token) => `Bearer bad, Bearer ${token}`),
    scheme('a list without blanks', 'RFC 9110 §5.3', (token) => `Bearer bad,${token}`),
    scheme('a nested scheme', 'RFC 6750 §2.1', (token) => `Bearer Bearer ${token}`),
    scheme('a good one behind a bad one', 'RFC 6750 §2.1', (token) => `Bearer bad ${token}`),
    scheme('the scheme alone', 'RFC 6750 §2.1', () => 'Bearer'),
    scheme('nothing', 'RFC 6750 §2.1', () => ''),
    scheme('NUL before the token', 'RFC 9110 §5.5', (token) => `Bearer \0${token}`, MALFORMED),
    scheme('NUL behind the token', 'RFC 9110 §5.5', (token) => `Bearer ${token}\0`, MALFORMED),
    scheme('a carriage return', 'RFC 9110 §5.5', (token) => `Bearer \r${token}`, MALFORMED),
    scheme('a vertical tab', 'RFC 9110 §5.5', (token) => `Bearer\v${token}`, MALFORMED),
    scheme('a folded line', 'RFC 9112 §5.2', (token) => `Bearer bad\r\n ${token}`, MALFORMED),
    request(
      'a blank behind the name of the header',
      'RFC 9112 §5.1',
      ({ good }) => ({ headers: [['Authorization ', `Bearer ${good.session}`]] }),
      MALFORMED,
    ),
    request('two headers, the bad one first', 'RFC 9110 §5.3', ({ good }) => ({
      headers: [
        ['Authorization', 'Bearer bad'],
        ['Authorization', `Bearer ${good.session}`],
      ],
    })),
    request('two headers, the first one empty', 'RFC 9110 §5.3', ({ good }) => ({
      headers: [
        ['Authorization', ''],
        ['Authorization', `Bearer ${good.session}`],
      ],
    })),
    request('two headers, the first one of another scheme', 'RFC 9110 §5.3', ({ good }) => ({
      headers: [
        ['authorization', 'Basic dTpw'],
        ['AUTHORIZATION', `Bearer ${good.session}`],
      ],
    })),
    request('a bad header beside a good cookie', 'RFC 6750 §2', ({ good }) => ({
      headers: [
        ['Authorization', 'Bearer bad'],
        ['Cookie', `__session=${good.session}; __client_uat=1; __clerk_db_jwt=d`],
      ],
    })),
  ],
};
