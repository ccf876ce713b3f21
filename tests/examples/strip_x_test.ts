/** The example of a test, run by our own runner. */

import "../../examples/strip_x_test.ts";
