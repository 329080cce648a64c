"""Tasks join outputs to targets: loss, prediction, meter, drawing."""
