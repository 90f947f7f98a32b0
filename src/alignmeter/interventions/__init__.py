"""Interventions: constitutions, fine-tuning, steering - what changes a model, made to be measured."""
