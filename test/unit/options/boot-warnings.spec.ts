import { bootWarnings } from '../../../lib/options/boot-warnings.js';

describe('bootWarnings', () => {
  it('says once why authorizedParties is wanted, and nothing where it is set', () => {
    expect(bootWarnings({ authorizedParties: undefined })).toEqual([
      expect.stringContaining('authorizedParties is not set'),
    ]);
    expect(bootWarnings({ authorizedParties: ['https://a.example'] })).toEqual([]);
  });
});
