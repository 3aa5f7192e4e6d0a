//! Fine-tuning: recipes, checkpoints, the training job, the model registry.
