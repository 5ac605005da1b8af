/**
 * Prints reports of suites and the line `N passed, M failed`.
 *
 * @param reports what `run()` of the bundle returned
 * @param required variants that must have run, however old the engine is
 * @returns true when at least one case ran and none failed
 */
export function printReports(reports, required) {
  let passed = 0;
  let failed = 0;
  for (const { suite, variant, unknown, passed: good, failures } of reports) {
    const isMissing = unknown !== undefined && required.includes(variant);
    const isEmpty = unknown === undefined && good + failures.length === 0;
    const outcome = unknown ?? `${good} passed, ${failures.length} failed`;
    console.log(`${suite} ${variant}: ${isEmpty ? "no cases" : outcome}`);
    for (const failure of failures.slice(0, 10)) console.log(`  ${failure}`);
    passed += good;
    failed += failures.length + (isMissing || isEmpty ? 1 : 0);
  }
  console.log(`${passed} passed, ${failed} failed`);
  return passed > 0 && failed === 0;
}
