import base, { LOWEST_NEST } from './jest.config.js';

/**
 * The suites that depend on Nest, on the lowest versions of it that this package admits.
 *
 * @type {import('jest').Config}
 */
export default { ...base, projects: LOWEST_NEST };
