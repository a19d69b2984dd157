"""A quality gate for samples: rules on what predictors see in them, and new attempts where a rule is broken."""
