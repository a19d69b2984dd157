"""The steps, one a module; every module here is found by `lab.data.preprocess.step.load_steps`."""
