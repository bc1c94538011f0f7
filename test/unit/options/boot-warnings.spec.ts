import { bootWarnings } from '../../../lib/options/boot-warnings.js';

describe('bootWarnings', () => {
  it('says once why authorizedParties is wanted, and nothing where it is set', () => {
    expect(bootWarnings({ authorizedParties: undefined })).toEqual([
      'authorizedParties is not set, so session tokens made for any origin are accepted, also for a sibling subdomain ' +
        "that got hold of a cookie. List the origins of your frontends: authorizedParties: ['https://app.example.com'].",
    ]);
    expect(bootWarnings({ authorizedParties: ['https://a.example'] })).toEqual([]);
  });
});
