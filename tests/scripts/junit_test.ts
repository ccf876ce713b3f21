import { assertEquals, test } from "../harness.ts";
import { parseJUnit, type TestResult } from "../../scripts/junit.ts";

/** As the runners wrote them, shortened. */
const REPORTS: Record<string, string> = {
  Deno: `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="3" failures="1" errors="0" time="6.157">
    <testsuite name="./tests/a_test.ts" tests="3" disabled="1" errors="0" failures="1">
        <testcase name="a &lt;is&gt; &quot;fine&quot;" classname="./tests/a_test.ts" time="0.002" line="3" col="1">
        </testcase>
        <testcase name="b waits" classname="./tests/a_test.ts" time="0.000" line="4" col="1">
            <skipped/>
        </testcase>
        <testcase name="c fails" classname="./tests/a_test.ts" time="0.003" line="5" col="1">
            <failure message="Uncaught Error: boom">Error: boom
test(&quot;c fails&quot;, () =&gt; { throw new Error(&quot;boom&quot;); });</failure>
        </testcase>
    </testsuite>
</testsuites>`,
  Bun: `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="3" assertions="0" failures="1" skipped="1" time="5.05">
  <testsuite name="tests/a_test.ts" file="tests/a_test.ts" tests="3" failures="1" skipped="1" hostname="vm">
    <testcase name="a &#60;is&#x3e; &quot;fine&quot;" classname="" time="0.0078" file="tests/a_test.ts" line="3" />
    <testcase name="b waits" classname="" time="0" file="tests/a_test.ts" line="4" assertions="0">
      <skipped />
    </testcase>
    <testcase name="c fails" classname="" time="5.000133" file="tests/a_test.ts" line="6" assertions="0">
      <failure type="TimeoutError" message="test timed out" />
    </testcase>
  </testsuite>
</testsuites>`,
  Node: `<?xml version="1.0" encoding="utf-8"?>
<testsuites>
	<testcase name="a &lt;is> &quot;fine&quot;" time="0.001167" classname="test" file="/x/tests/a_test.ts"/>
	<testcase name="b waits" time="0.000178" classname="test" file="/x/tests/a_test.ts">
		<skipped type="skipped" message="because &lt;b>"/>
	</testcase>
	<testcase name="c fails" time="0.000231" classname="test" failure="boom">
		<failure type="testCodeFailure" message="boom">
[Error [ERR_TEST_FAILURE]: boom] { code: 'ERR_TEST_FAILURE' }
		</failure>
	</testcase>
	<!-- tests 3, not <testcase name="this"> -->
</testsuites>`,
};

const EXPECTED: readonly TestResult[] = [
  { name: 'a <is> "fine"', outcome: "passed" },
  { name: "b waits", outcome: "skipped" },
  { name: "c fails", outcome: "failed" },
];

for (const [runner, report] of Object.entries(REPORTS)) {
  test(`parseJUnit reads a report of ${runner}`, () => assertEquals(parseJUnit(report), [...EXPECTED]));
}

test("parseJUnit finds nothing in an empty report", () => assertEquals(parseJUnit(""), []));
