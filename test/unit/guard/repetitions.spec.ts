import { Repetitions } from '../../../lib/guard/repetitions.js';

describe('Repetitions', () => {
  let now: number;
  let repetitions: Repetitions;
  beforeEach(() => {
    now = 1_800_000_000_000;
    repetitions = new Repetitions(() => now);
  });

  it('let the first line of a kind through, and one every five seconds with how many there were', () => {
    expect(repetitions.next('a', 'line 1')).toBe('line 1');
    expect(repetitions.next('a', 'line 2')).toBeUndefined();
    expect(repetitions.next('b', 'another')).toBe('another');
    now += 4_999;
    expect(repetitions.next('a', 'line 3')).toBeUndefined();
    now += 1;
    expect(repetitions.next('a', 'line 4')).toBe('line 4 (and 2 more like it)');
    now += 5_000;
    expect(repetitions.next('a', 'line 5')).toBe('line 5');
  });

  it('are not silenced by a clock that is set back', () => {
    repetitions.next('a', 'line 1');
    now -= 3_600_000;
    expect(repetitions.next('a', 'line 2')).toBe('line 2');
  });
});
