import { bootWarnings } from '../../../lib/options/boot-options.js';

const keys = { publishableKey: 'pk_test_x', secretKey: 'sk_test_x', resolveOptions: undefined };

describe('bootWarnings()', () => {
  it('warns if authorizedParties is not set, and not if it is set', () => {
    expect(bootWarnings({ ...keys, authorizedParties: undefined })).toEqual([
      'authorizedParties is not set, so session tokens issued for any origin are accepted, including those that a sibling ' +
        "subdomain got from a leaked cookie. List the origins of your frontends: authorizedParties: ['https://app.example.com'].",
    ]);
    expect(bootWarnings({ ...keys, authorizedParties: ['https://a.example'] })).toEqual([]);
  });

  it('does not warn about authorizedParties if only a secret key is set, since no caller is verified', () => {
    expect(bootWarnings({ ...keys, publishableKey: '', authorizedParties: undefined })).toEqual([]);
  });
});
