"""Where nodes, people and jobs are kept: SQLAlchemy lives here and nowhere else."""
