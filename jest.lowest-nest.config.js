import base, { LOWEST_NEST } from './jest.config.js';

/**
 * The suites that depend on Nest, run on the lowest supported versions of it.
 *
 * @type {import('jest').Config}
 */
export default { ...base, projects: LOWEST_NEST };
