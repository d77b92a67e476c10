#!/bin/sh
# A Slurm array: sbatch --array=0-199 docs/engines/slurm.sh
# .ci/engines runs the like of it on this machine. More tasks than MaxArraySize: submit again with an offset, which goes to
# the program: sbatch --array=0-199 docs/engines/slurm.sh --shard-offset 200
#SBATCH --job-name=ct-verify
#SBATCH --cpus-per-task=2
#SBATCH --mem=1G
#SBATCH --requeue
exec ct-verify logs --plan /shared/plan.json --result /shared/results "$@"
