import { inBoth, MALFORMED, request, type Attack, type Family, type Sent, type Stage, UNAUTHORIZED } from './entry.js';

const FORM = 'application/x-www-form-urlencoded';

/** The valid token in a place where no token belongs. */
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

/** A valid token anywhere but in the Authorization header or Clerk's cookies. */
export const carriers: Family = {
  name: 'tokens in other places',
  control: ({ good }) => [
    ...inBoth(good.session),
    { method: 'POST', headers: [...(inBoth(good.session)[0]?.headers ?? []), ['Content-Length', '0']] },
  ],
  attacks: [
    inPlace('the query parameter access_token', 'RFC 6750 §2.3', (token) => ({ query: `?access_token=${token}` })),
    inPlace('the query parameter token', 'RFC 6750 §5.3', (token) => ({ query: `?token=${token}` })),
    inPlace('the query parameter authorization', 'CWE-598', (token) => ({ query: `?authorization=Bearer%20${token}` })),
    inPlace('the query parameter __session', 'CWE-598', (token) => ({ query: `?__session=${token}` })),
    inPlace('the query parameter __clerk_db_jwt', 'CWE-598', (token) => ({ query: `?__clerk_db_jwt=${token}` })),
    inPlace('the query parameter __clerk_session_token', 'CWE-598', (token) => ({
      query: `?__clerk_session_token=${token}`,
    })),
    inPlace('the fragment of the URL', 'CWE-598', (token) => ({ query: `#access_token=${token}` })),
    inPlace('a form field', 'RFC 6750 §2.2', (token) => posted(FORM, `access_token=${token}`)),
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
    header('the header X-Authorization', 'RFC 6750 §2.1', 'X-Authorization'),
    header('the header X-Forwarded-Authorization', 'RFC 6750 §2.1', 'X-Forwarded-Authorization'),
    header('the header X-Original-Authorization', 'RFC 6750 §2.1', 'X-Original-Authorization'),
    header('the header Proxy-Authorization', 'RFC 9110 §11.7.2', 'Proxy-Authorization'),
    header('the header Authentication', 'RFC 6750 §2.1', 'Authentication'),
    header('the header WWW-Authenticate', 'RFC 9110 §11.6.1', 'WWW-Authenticate'),
    header('the header Authorization_', 'CWE-444', 'Authorization_'),
    header('the header X-Access-Token', 'RFC 6750 §2.1', 'X-Access-Token', String),
    header('the header X-Auth-Token', 'RFC 6750 §2.1', 'X-Auth-Token', String),
    header('the header X-Api-Key', 'RFC 6750 §2.1', 'X-Api-Key', String),
    header('the header X-Clerk-Auth-Token', 'CWE-290', 'X-Clerk-Auth-Token', String),
    header('the header Clerk-Session', 'CWE-290', 'Clerk-Session', String),
    header('the header __session', 'CWE-290', '__session', String),
    header(
      'the header Sec-WebSocket-Protocol',
      'RFC 6455 §1.9',
      'Sec-WebSocket-Protocol',
      (token) => `bearer, ${token}`,
    ),
    header('the header Referer', 'RFC 6750 §5.3', 'Referer', (token) => `https://app.example.com/?__session=${token}`),
    header(
      'credentials in the header X-Forwarded-Host',
      'CWE-290',
      'X-Forwarded-Host',
      () => 'user:password@api.example.com',
    ),
    request('Clerk’s response headers in a request', 'CWE-290', ({ good }) => ({
      headers: [
        ['X-Clerk-Auth-Status', 'signed-in'],
        ['X-Clerk-Auth-Token', good.session],
        ['X-Clerk-Auth-Signature', 'x'],
        ['X-Clerk-Auth-Reason', ''],
        ['X-Clerk-Auth-Message', ''],
      ],
    })),
    request('user headers that proxies set', 'CWE-290', () => ({
      headers: [
        ['X-User-Id', 'user_1'],
        ['X-Remote-User', 'user_1'],
        ['Remote-User', 'user_1'],
        ['X-Authenticated-User', 'user_1'],
      ],
    })),
    request('the header X-Middleware-Subrequest', 'CVE-2025-29927 (Next.js)', () => ({
      headers: [['X-Middleware-Subrequest', 'middleware:middleware:middleware:middleware:middleware']],
    })),

    cookie('a cookie named session', 'CWE-565', (token) => `session=${token}`),
    cookie('a cookie named token', 'CWE-565', (token) => `token=${token}`),
    cookie('a cookie named authorization', 'CWE-565', (token) => `authorization=Bearer ${token}`),
    cookie(
      'a cookie named __Session or __SESSION',
      'RFC 6265 §4.1.1',
      (token) => `__Session=${token}; __SESSION=${token}`,
    ),
    cookie('a cookie named _session', 'RFC 6265 §4.1.1', (token) => `_session=${token}`),
    cookie('a cookie with a percent-encoded name', 'CVE-2020-7070 (PHP)', (token) => `%5F%5Fsession=${token}`),
    cookie('a cookie with the prefix __Host-', 'CVE-2020-7070 (PHP)', (token) => `__Host-__session=${token}`),
    cookie('a cookie with the prefix __host-', 'CVE-2020-7070 (PHP)', (token) => `__host-__session=${token}`),
    cookie('a cookie with the prefix __Secure-', 'RFC 6265 §4.1.1', (token) => `__Secure-__session=${token}`),
    cookie('a cookie inside the value of another', 'RFC 6265 §4.2.1', (token) => `a=__session=${token}`),
    cookie('a cookie without a name', 'CWE-565', (token) => `=__session=${token}`),
    cookie('a cookie after a comma', 'RFC 6265 §4.2.1', (token) => `a=b,__session=${token}`),
    cookie('a cookie with an unknown suffix', 'CWE-565', (token) => `__session_AAAAAAAA=${token}`),
    cookie('the cookie of the refresh token', 'CWE-565', (token) => `__refresh=${token}`),
    cookie('the cookie of the development browser', 'CWE-565', (token) => `__clerk_db_jwt=${token}`),
    cookie('a cookie with the scheme Bearer', 'CWE-565', (token) => `__session=Bearer ${token}`),
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

/** Other spellings of the Authorization header. Clerk accepts `Bearer ` with one space, and a token without a scheme. */
export const schemes: Family = {
  name: 'Authorization header',
  control: ({ good }) => [...inBoth(good.session), { headers: [['Authorization', good.session]] }],
  attacks: [
    scheme('the scheme bearer in lower case', 'RFC 9110 §11.1', (token) => `bearer ${token}`),
    scheme('the scheme BEARER in upper case', 'RFC 9110 §11.1', (token) => `BEARER ${token}`),
    scheme('the scheme Token', 'RFC 6750 §2.1', (token) => `Token ${token}`),
    scheme('the scheme JWT', 'RFC 6750 §2.1', (token) => `JWT ${token}`),
    scheme('the scheme DPoP', 'RFC 9449 §7.1', (token) => `DPoP ${token}`),
    scheme('the scheme Basic', 'RFC 7617 §2', (token) => `Basic ${token}`),
    scheme(
      'the scheme Basic with the token as the password',
      'RFC 7617 §2',
      (token) => `Basic ${btoa(`user:${token}`)}`,
    ),
    scheme('the scheme Basic with the token as the user', 'RFC 7617 §2', (token) => `Basic ${btoa(`${token}:`)}`),
    scheme('the scheme Digest', 'RFC 6750 §2.1', (token) => `Digest username="x", response="${token}"`),
    scheme('the scheme Negotiate', 'RFC 6750 §2.1', (token) => `Negotiate ${token}`),
    scheme('two spaces after the scheme', 'RFC 6750 §2.1', (token) => `Bearer  ${token}`),
    scheme('a tab after the scheme', 'RFC 6750 §2.1', (token) => `Bearer\t${token}`),
    scheme('a no-break space after the scheme', 'RFC 6750 §2.1', (token) => `Bearer\u00a0${token}`),
    scheme('a full-width letter in the scheme', 'RFC 6750 §2.1', (token) => `Ｂearer ${token}`),
    scheme('no space after the scheme', 'RFC 6750 §2.1', (token) => `Bearer${token}`),
    scheme('a colon after the scheme', 'RFC 6750 §2.1', (token) => `Bearer: ${token}`),
    scheme('an equals sign after the scheme', 'RFC 6750 §2.1', (token) => `Bearer=${token}`),
    scheme('a token in quotation marks', 'RFC 6750 §2.1', (token) => `Bearer "${token}"`),
    scheme('a token as a parameter', 'RFC 6750 §2.1', (token) => `Bearer token="${token}"`),
    scheme('a token in angle brackets', 'RFC 6750 §2.1', (token) => `Bearer <${token}>`),
    scheme('a comma after the token', 'RFC 9110 §5.6.1', (token) => `Bearer ${token},`),
    scheme('a semicolon after the token', 'RFC 6750 §2.1', (token) => `Bearer ${token};`),
    scheme('a list with the valid token first', 'RFC 9110 §5.3', (token) => `Bearer ${token}, Bearer bad`),
    scheme('a list with the valid token last', 'RFC 9110 §5.3', (token) => `Bearer bad, Bearer ${token}`),
    scheme('a list without spaces', 'RFC 9110 §5.3', (token) => `Bearer bad,${token}`),
    scheme('the scheme Bearer twice', 'RFC 6750 §2.1', (token) => `Bearer Bearer ${token}`),
    scheme('a valid token after an invalid one', 'RFC 6750 §2.1', (token) => `Bearer bad ${token}`),
    scheme('the scheme without a token', 'RFC 6750 §2.1', () => 'Bearer'),
    scheme('an empty header', 'RFC 6750 §2.1', () => ''),
    scheme('a NUL byte before the token', 'RFC 9110 §5.5', (token) => `Bearer \0${token}`, MALFORMED),
    scheme('a NUL byte after the token', 'RFC 9110 §5.5', (token) => `Bearer ${token}\0`, MALFORMED),
    scheme('a carriage return before the token', 'RFC 9110 §5.5', (token) => `Bearer \r${token}`, MALFORMED),
    scheme('a vertical tab after the scheme', 'RFC 9110 §5.5', (token) => `Bearer\v${token}`, MALFORMED),
    scheme('a folded header line', 'RFC 9112 §5.2', (token) => `Bearer bad\r\n ${token}`, MALFORMED),
    request(
      'a space after the header name',
      'RFC 9112 §5.1',
      ({ good }) => ({ headers: [['Authorization ', `Bearer ${good.session}`]] }),
      MALFORMED,
    ),
    request('two headers, the invalid one first', 'RFC 9110 §5.3', ({ good }) => ({
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
    request('two headers, the first one with another scheme', 'RFC 9110 §5.3', ({ good }) => ({
      headers: [
        ['authorization', 'Basic dTpw'],
        ['AUTHORIZATION', `Bearer ${good.session}`],
      ],
    })),
    request('an invalid header with a valid cookie', 'RFC 6750 §2', ({ good }) => ({
      headers: [
        ['Authorization', 'Bearer bad'],
        ['Cookie', `__session=${good.session}; __client_uat=1; __clerk_db_jwt=d`],
      ],
    })),
  ],
};
