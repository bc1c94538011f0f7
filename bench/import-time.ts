import { execFileSync } from 'node:child_process';

import { summaryOf, type Figure } from './report.js';

const PROCESSES = 15;
/** What an application with Nest and Clerk imports anyway. */
const BEFORE = ['reflect-metadata', '@nestjs/common', '@nestjs/core', '@clerk/backend', '@clerk/backend/internal'];

const SCRIPTS = {
  ESM: `
    for (const name of ${JSON.stringify(BEFORE)}) await import(name);
    const before = process.cpuUsage();
    await import('nest-clerk');
    const { user, system } = process.cpuUsage(before);
    console.log((user + system) / 1000);`,
  CommonJS: `
    for (const name of ${JSON.stringify(BEFORE)}) require(name);
    const before = process.cpuUsage();
    require('nest-clerk');
    const { user, system } = process.cpuUsage(before);
    console.log((user + system) / 1000);`,
};

/** Measures the CPU time of an import of nest-clerk, each time in a new process. */
export function measureImports(): Figure[] {
  const measured = { ESM: [] as number[], CommonJS: [] as number[] };
  for (let count = 0; count < PROCESSES; count++) {
    measured.ESM.push(run('module', SCRIPTS.ESM));
    measured.CommonJS.push(run('commonjs', SCRIPTS.CommonJS));
  }
  return (['ESM', 'CommonJS'] as const).map((format) => ({
    what: `import of nest-clerk as ${format}, CPU, after Nest and @clerk/backend`,
    ...summaryOf(measured[format]),
    unit: 'ms',
    atMost: 20,
  }));
}

/** @returns the number that the script prints. */
function run(inputType: 'module' | 'commonjs', script: string): number {
  return Number(execFileSync(process.execPath, [`--input-type=${inputType}`, '--eval', script], { encoding: 'utf8' }));
}
