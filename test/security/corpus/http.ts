import { MALFORMED, request, inHeader, type Attack, type Family, type Outcome, UNAUTHORIZED } from './entry.js';

/** Where strict routes are alone, no public one is reached by the same spelling. */
const STRICT_ONLY: Outcome = { strict: UNAUTHORIZED.strict };

/** A request without credentials that pretends to go elsewhere. */
const target = (name: string, source: string, text: string, outcome = STRICT_ONLY, method?: string): Attack =>
  request(name, source, () => ({ target: text, method }), outcome);

/** With good credentials: what is no request to this server is one for nobody. */
const wellSent = (name: string, source: string, text: string, method?: string): Attack =>
  request(name, source, ({ good }) => ({ ...inHeader(good.session), target: text, method }), MALFORMED);

const header = (name: string, source: string, field: string, value: string, outcome = UNAUTHORIZED): Attack =>
  request(name, source, () => ({ headers: [[field, value]] }), outcome);

const FORWARDED = 'RFC 7239 §8.1';

/** Request targets, methods and hosts. */
export const http: Family = {
  name: 'targets, methods and hosts',
  control: ({ good }) => [
    inHeader(good.session),
    { ...inHeader(good.session), target: '/a/b/c' },
    { ...inHeader(good.session), target: '/any?next=//evil.example' },
    { ...inHeader(good.session), target: '/a%2f%2fevil' },
    { ...inHeader(good.session), method: 'PUT' },
    { headers: [...(inHeader(good.session).headers ?? []), ['X-Forwarded-Host', 'evil.example']] },
  ],
  attacks: [
    target('an encoded letter', 'CVE-2025-69211 (Nest)', '/strict/%73ession'),
    target('an encoded slash', 'GHSA-vqx2-fgx2-5wq9 (Clerk)', '/strict%2fsession'),
    target('a letter encoded twice', 'GHSA-vqx2-fgx2-5wq9 (Clerk)', '/strict/%2573ession'),
    target('a slash at the end', 'CVE-2026-2293 (Nest)', '/strict/session/'),
    target('two slashes', 'CVE-2026-2293 (Nest)', '/strict//session'),
    target('a parameter behind a semicolon', 'CVE-2026-2293 (Nest)', '/strict/session;a=b'),
    target('capital letters', 'CWE-178', '/STRICT/SESSION'),
    target('dots', 'CWE-22', '/public/../strict/session'),
    target('encoded dots', 'CWE-22', '/public/%2e%2e/strict/session'),
    target('a dot', 'CWE-22', '/./strict/session'),
    target('NUL behind an escape', 'CWE-158', '/strict/session%00'),
    target('a question mark that is encoded', 'CWE-436', '/strict/session%3f/public/session'),
    target('a fragment', 'CWE-436', '/strict/session#/public/session'),
    target('a suffix of static files', 'CWE-436', '/strict/session.css'),
    target('HEAD', 'CVE-2026-33011 (Nest)', '/strict/session', STRICT_ONLY, 'HEAD'),
    target('DELETE', 'OWASP WSTG-CONF-06', '/strict/session', STRICT_ONLY, 'DELETE'),
    target('a method that is seldom used', 'OWASP WSTG-CONF-06', '/strict/session', STRICT_ONLY, 'PROPFIND'),
    wellSent('TRACE', 'OWASP WSTG-CONF-06', '/strict/session', 'TRACE'),
    wellSent('two slashes and a host', 'CWE-601', '//evil.example/strict/session'),
    wellSent('two slashes and nothing but a host', 'CWE-601', '//evil.example'),
    wellSent('three slashes', 'CWE-601', '///strict/session'),
    wellSent('a backslash and a host', 'CWE-601', '/\\evil.example/strict/session'),
    wellSent('a dot before two slashes', 'CWE-601', '/.//evil.example/x'),
    wellSent('dots before two slashes', 'CWE-601', '/a/..//evil.example/x'),
    wellSent('an absolute target', 'RFC 9112 §3.2.2', 'http://evil.example/strict/session'),
    wellSent('an absolute target over https', 'RFC 9112 §3.2.2', 'https://evil.example/strict/session'),
    header('the method overridden', 'OWASP WSTG-CONF-06', 'X-HTTP-Method-Override', 'OPTIONS'),
    header('the path rewritten', 'CWE-436', 'X-Original-URL', '/public/session'),
    header('the path rewritten otherwise', 'CWE-436', 'X-Rewrite-URL', '/public/session'),
    header('a prefix', 'CWE-436', 'X-Forwarded-Prefix', '/public'),
    header('an address of this machine', FORWARDED, 'X-Forwarded-For', '127.0.0.1'),
    header('a standard forwarding', FORWARDED, 'Forwarded', 'for=127.0.0.1;host=localhost;proto=https'),
    header('a forwarded host', FORWARDED, 'X-Forwarded-Host', 'evil.example'),
    header('a forwarded host with a user', FORWARDED, 'X-Forwarded-Host', 'api.example.com@evil.example'),
    header('a forwarded host with blanks', FORWARDED, 'X-Forwarded-Host', 'a b\\c'),
    header('a forwarded host that is a URL', FORWARDED, 'X-Forwarded-Host', 'https://evil.example/'),
    header('several forwarded hosts', FORWARDED, 'X-Forwarded-Host', 'evil.example, api.example.com'),
    header('half an IPv6 address', FORWARDED, 'X-Forwarded-Host', '[::1'),
    header('an IPv6 address with junk', FORWARDED, 'X-Forwarded-Host', '[::1]evil:99999'),
    header('a forwarded host that is empty', FORWARDED, 'X-Forwarded-Host', ''),
    header('a forwarded host of 4 kB', 'CWE-400', 'X-Forwarded-Host', 'a'.repeat(4_000)),
    header('a forwarded host outside of ASCII', FORWARDED, 'X-Forwarded-Host', 'ex\u00e4mple.com'),
    header('a forwarded host with encoded CRLF', 'CWE-113', 'X-Forwarded-Host', 'a%0d%0aSet-Cookie:%20evil=1'),
    header('a forwarded host with CRLF', 'CWE-113', 'X-Forwarded-Host', 'a\r\n\tSet-Cookie: evil=1', MALFORMED),
    header('a forwarded host with NUL', 'RFC 9110 §5.5', 'X-Forwarded-Host', 'a\0b', MALFORMED),
    header('a forwarded port', FORWARDED, 'X-Forwarded-Port', '99999; evil'),
    header('a forwarded scheme of scripts', FORWARDED, 'X-Forwarded-Proto', 'javascript'),
    header('a forwarded scheme that is a URL', FORWARDED, 'X-Forwarded-Proto', 'https://evil.example/'),
    header('several forwarded schemes', FORWARDED, 'X-Forwarded-Proto', 'https,http,javascript'),
    header('a forwarded scheme of CloudFront', FORWARDED, 'CloudFront-Forwarded-Proto', 'file'),
    header('a host with a user', 'RFC 9110 §7.2', 'Host', 'api.example.com@evil.example'),
    header('a host with a path', 'RFC 9110 §7.2', 'Host', 'api.example.com/evil'),
    header('a host with blanks', 'RFC 9110 §7.2', 'Host', 'bad host'),
    header('an empty host', 'RFC 9110 §7.2', 'Host', ''),
  ],
};
