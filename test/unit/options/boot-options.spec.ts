import { bootWarnings } from '../../../lib/options/boot-options.js';

const keys = { publishableKey: 'pk_test_x', secretKey: 'sk_test_x', resolveOptions: undefined };

describe('bootWarnings', () => {
  it('says once why authorizedParties is wanted, and nothing where it is set', () => {
    expect(bootWarnings({ ...keys, authorizedParties: undefined })).toEqual([
      'authorizedParties is not set, so session tokens made for any origin are accepted, also for a sibling subdomain ' +
        "that got hold of a cookie. List the origins of your frontends: authorizedParties: ['https://app.example.com'].",
    ]);
    expect(bootWarnings({ ...keys, authorizedParties: ['https://a.example'] })).toEqual([]);
  });

  it('says nothing of authorizedParties where a secret key alone is set, and no caller is verified', () => {
    expect(bootWarnings({ ...keys, publishableKey: '', authorizedParties: undefined })).toEqual([]);
  });
});
