import { toLocation, relativizeLocation } from '../../../lib/authentication/lanes/relative-location.js';

const here = new URL('https://app.test/page?a=b');

describe('relative locations', () => {
  it.each([
    ['https://app.test/x?y=z#h', '/x?y=z#h'],
    ['https://app.test:443', '/'],
    ['https://user:password@app.test/x', '/x'],
    ['https://app.test//evil.test/x', '/evil.test/x'],
    ['https://app.test///\\evil.test', '/evil.test'],
    ['http://app.test/x', 'http://app.test/x'],
    ['https://app.test:8443/x', 'https://app.test:8443/x'],
    ['https://clerk.test//x', 'https://clerk.test//x'],
  ])('toLocation() from https://app.test/page turns %s into %s', (target, expected) => {
    expect(toLocation(here, new URL(target))).toBe(expected);
  });

  it('relativizeLocation() rewrites the Location header and leaves headers without one unchanged', () => {
    const headers = new Headers({ location: 'https://app.test/x', 'cache-control': 'no-store' });
    relativizeLocation(headers, here);
    expect([...headers]).toEqual([
      ['cache-control', 'no-store'],
      ['location', '/x'],
    ]);
    const none = new Headers({ 'x-a': 'b' });
    relativizeLocation(none, here);
    expect([...none]).toEqual([['x-a', 'b']]);
  });
});
