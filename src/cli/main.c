/* SPDX-License-Identifier: Apache-2.0 */
#include <pagoda/pagoda.h>
int main(void) { return 0; }
