import { MALFORMED, request, inHeader, type Attack, type Family, type Outcome, UNAUTHORIZED } from './entry.js';

/** For spellings that reach a strict route only; no public route has the same spelling. */
const STRICT_ONLY: Outcome = { strict: UNAUTHORIZED.strict };

/** A request without credentials whose target or method is spelled differently. */
const target = (name: string, source: string, text: string, outcome = STRICT_ONLY, method?: string): Attack =>
  request(name, source, () => ({ target: text, method }), outcome);

/** With valid credentials: a request that is not for this server is denied for every caller. */
const wellSent = (name: string, source: string, text: string, method?: string): Attack =>
  request(name, source, ({ good }) => ({ ...inHeader(good.session), target: text, method }), MALFORMED);

const header = (name: string, source: string, field: string, value: string, outcome = UNAUTHORIZED): Attack =>
  request(name, source, () => ({ headers: [[field, value]] }), outcome);

const FORWARDED = 'RFC 7239 §8.1';

/** Request targets, methods and hosts. */
export const http: Family = {
  name: 'request targets, methods and hosts',
  control: ({ good }) => [
    inHeader(good.session),
    { ...inHeader(good.session), target: '/a/b/c' },
    { ...inHeader(good.session), target: '/any?next=//evil.example' },
    { ...inHeader(good.session), target: '/a%2f%2fevil' },
    { ...inHeader(good.session), method: 'PUT' },
    { headers: [...(inHeader(good.session).headers ?? []), ['X-Forwarded-Host', 'evil.example']] },
  ],
  attacks: [
    target('a percent-encoded letter', 'CVE-2025-69211 (Nest)', '/strict/%73ession'),
    target('a percent-encoded slash', 'GHSA-vqx2-fgx2-5wq9 (Clerk)', '/strict%2fsession'),
    target('a letter that is percent-encoded twice', 'GHSA-vqx2-fgx2-5wq9 (Clerk)', '/strict/%2573ession'),
    target('a trailing slash', 'CVE-2026-2293 (Nest)', '/strict/session/'),
    target('two slashes', 'CVE-2026-2293 (Nest)', '/strict//session'),
    target('a parameter after a semicolon', 'CVE-2026-2293 (Nest)', '/strict/session;a=b'),
    target('upper case', 'CWE-178', '/STRICT/SESSION'),
    target('parent segments', 'CWE-22', '/public/../strict/session'),
    target('percent-encoded parent segments', 'CWE-22', '/public/%2e%2e/strict/session'),
    target('a current segment', 'CWE-22', '/./strict/session'),
    target('a percent-encoded NUL byte', 'CWE-158', '/strict/session%00'),
    target('a percent-encoded question mark', 'CWE-436', '/strict/session%3f/public/session'),
    target('a fragment', 'CWE-436', '/strict/session#/public/session'),
    target('the extension of a static file', 'CWE-436', '/strict/session.css'),
    target('HEAD', 'CVE-2026-33011 (Nest)', '/strict/session', STRICT_ONLY, 'HEAD'),
    target('DELETE', 'OWASP WSTG-CONF-06', '/strict/session', STRICT_ONLY, 'DELETE'),
    target('an uncommon method', 'OWASP WSTG-CONF-06', '/strict/session', STRICT_ONLY, 'PROPFIND'),
    wellSent('TRACE', 'OWASP WSTG-CONF-06', '/strict/session', 'TRACE'),
    wellSent('two slashes and a host', 'CWE-601', '//evil.example/strict/session'),
    wellSent('two slashes and only a host', 'CWE-601', '//evil.example'),
    wellSent('three slashes', 'CWE-601', '///strict/session'),
    wellSent('a backslash and a host', 'CWE-601', '/\\evil.example/strict/session'),
    wellSent('a current segment before two slashes', 'CWE-601', '/.//evil.example/x'),
    wellSent('parent segments before two slashes', 'CWE-601', '/a/..//evil.example/x'),
    wellSent('an absolute target', 'RFC 9112 §3.2.2', 'http://evil.example/strict/session'),
    wellSent('an absolute target over https', 'RFC 9112 §3.2.2', 'https://evil.example/strict/session'),
    header('an overridden method', 'OWASP WSTG-CONF-06', 'X-HTTP-Method-Override', 'OPTIONS'),
    header('a path in X-Original-URL', 'CWE-436', 'X-Original-URL', '/public/session'),
    header('a path in X-Rewrite-URL', 'CWE-436', 'X-Rewrite-URL', '/public/session'),
    header('a forwarded prefix', 'CWE-436', 'X-Forwarded-Prefix', '/public'),
    header('the loopback address as the forwarded address', FORWARDED, 'X-Forwarded-For', '127.0.0.1'),
    header('a Forwarded header', FORWARDED, 'Forwarded', 'for=127.0.0.1;host=localhost;proto=https'),
    header('a forwarded host', FORWARDED, 'X-Forwarded-Host', 'evil.example'),
    header('a forwarded host with a user', FORWARDED, 'X-Forwarded-Host', 'api.example.com@evil.example'),
    header('a forwarded host with spaces', FORWARDED, 'X-Forwarded-Host', 'a b\\c'),
    header('a forwarded host that is a URL', FORWARDED, 'X-Forwarded-Host', 'https://evil.example/'),
    header('several forwarded hosts', FORWARDED, 'X-Forwarded-Host', 'evil.example, api.example.com'),
    header('an incomplete IPv6 address as the forwarded host', FORWARDED, 'X-Forwarded-Host', '[::1'),
    header(
      'an IPv6 address with trailing junk as the forwarded host',
      FORWARDED,
      'X-Forwarded-Host',
      '[::1]evil:99999',
    ),
    header('an empty forwarded host', FORWARDED, 'X-Forwarded-Host', ''),
    header('a forwarded host of 4 kB', 'CWE-400', 'X-Forwarded-Host', 'a'.repeat(4_000)),
    header('a forwarded host with non-ASCII characters', FORWARDED, 'X-Forwarded-Host', 'ex\u00e4mple.com'),
    header('a forwarded host with percent-encoded CRLF', 'CWE-113', 'X-Forwarded-Host', 'a%0d%0aSet-Cookie:%20evil=1'),
    header('a forwarded host with CRLF', 'CWE-113', 'X-Forwarded-Host', 'a\r\n\tSet-Cookie: evil=1', MALFORMED),
    header('a forwarded host with a NUL byte', 'RFC 9110 §5.5', 'X-Forwarded-Host', 'a\0b', MALFORMED),
    header('a malformed forwarded port', FORWARDED, 'X-Forwarded-Port', '99999; evil'),
    header('the forwarded scheme javascript', FORWARDED, 'X-Forwarded-Proto', 'javascript'),
    header('a forwarded scheme that is a URL', FORWARDED, 'X-Forwarded-Proto', 'https://evil.example/'),
    header('several forwarded schemes', FORWARDED, 'X-Forwarded-Proto', 'https,http,javascript'),
    header('the scheme file forwarded by CloudFront', FORWARDED, 'CloudFront-Forwarded-Proto', 'file'),
    header('a host with a user', 'RFC 9110 §7.2', 'Host', 'api.example.com@evil.example'),
    header('a host with a path', 'RFC 9110 §7.2', 'Host', 'api.example.com/evil'),
    header('a host with spaces', 'RFC 9110 §7.2', 'Host', 'bad host'),
    header('an empty host', 'RFC 9110 §7.2', 'Host', ''),
  ],
};
