#include <pagoda/nn.h>
typedef int pgd_nn_placeholder;
