import * as api from '../../../lib/index.js';
import * as testing from '../../../lib/testing/index.js';

describe('the public API', () => {
  it('of nest-clerk is exactly this', () => {
    expect(Object.keys(api).sort()).toMatchInlineSnapshot();
  });

  it('of nest-clerk/testing is exactly this', () => {
    expect(Object.keys(testing).sort()).toMatchInlineSnapshot();
  });
});
