# What the machine has wrong is named: the folder, the variable, the user; and a failed build leaves the module that was there.

BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
}

Describe 'PGOPS_PG_BIN' {
    BeforeAll {
        $sandbox = Start-PgSandbox
        $backup = Backup-PgDatabase $sandbox -Path (Join-Path $TestDrive 'backups')
        $saved = $env:PGOPS_PG_BIN
        $empty = (New-Item -ItemType Directory (Join-Path $TestDrive 'empty')).FullName
        $file = (New-Item (Join-Path $TestDrive 'file')).FullName
        $missing = Join-Path $TestDrive 'nowhere'
        $works = @{
            'Backup-PgDatabase'  = { Backup-PgDatabase $sandbox -Path $TestDrive -ErrorAction Stop }
            'Test-PgRestore'     = { $backup | Test-PgRestore -ErrorAction Stop }
            'Restore-PgDatabase' = { Restore-PgDatabase $backup -Target $sandbox -Database x -Confirm:$false -ErrorAction Stop }
            'Start-PgSandbox'    = { Start-PgSandbox -ErrorAction Stop }
        }
    }

    AfterAll {
        $env:PGOPS_PG_BIN = $saved ?? [NullString]::Value
        Stop-PgSandbox $sandbox
    }

    It '<_> names it and its value when the folder does not exist, is empty, a file, or relative' -ForEach @(
        'Backup-PgDatabase', 'Test-PgRestore', 'Restore-PgDatabase', 'Start-PgSandbox'
    ) {
        $work = $works[$_]
        $values = @{
            $missing = "*$missing, which does not exist (the environment variable PGOPS_PG_BIN)*"
            $empty   = "*$empty (the environment variable PGOPS_PG_BIN)*"
            $file    = "*$file, which is a file and not a folder (the environment variable PGOPS_PG_BIN)*"
            'bin'    = "*'bin', which is not an absolute path (the environment variable PGOPS_PG_BIN)*"
        }
        foreach ($value in $values.Keys) {
            $env:PGOPS_PG_BIN = $value
            $work | Should -Throw $values[$value] -ErrorId 'ToolMissing,*'
            $work | Should -Throw '*Correct PGOPS_PG_BIN, or unset it: Remove-Item Env:PGOPS_PG_BIN*'
        }
    }

    It 'a check that is not made says so, too' {
        $env:PGOPS_PG_BIN = $missing
        (Test-PgBackup $backup).Checks.Where({ $_.Name -eq 'table-of-contents' }).Detail | Should -BeLike "*$missing, which does not*"
    }

    It '-BinPath is named when it is the wrong one' {
        $env:PGOPS_PG_BIN = [NullString]::Value
        { Start-PgSandbox -BinPath $missing -ErrorAction Stop } |
            Should -Throw "*$missing, which does not exist*Correct the folder, or leave -BinPath out*"
    }

    It 'is named by build.ps1 before anything is built' {
        $env:PGOPS_PG_BIN = $missing
        $said = Invoke-Pwsh -File (Join-Path $PgOpsRoot 'build.ps1') Demo -Bootstrap 2>&1
        $LASTEXITCODE | Should -Be 1
        "$said" | Should -BeLike "*PGOPS_PG_BIN is '$missing', and there is no server program*Remove-Item Env:PGOPS_PG_BIN*"
    }
}

# Only root's server runs as another user, who may lack a right to the folder; Windows has no such user.
Describe 'A sandbox''s folder' -Skip:($IsWindows -or (id -u) -ne '0') {
    BeforeAll {
        # Under /tmp, for the folder of the tests is closed to other users by itself.
        $root = (New-Item -ItemType Directory "/tmp/pgops-closed-$([guid]::NewGuid().ToString('N').Substring(0, 8))").FullName
        $user = [bool](id -u postgres 2>$null) ? 'postgres' : 'nobody'
    }

    AfterAll { Remove-Item $root -Recurse -Force }

    It 'that the server''s user may not write to is named, with the command' {
        $folder = (New-Item -ItemType Directory (Join-Path $root 'roots')).FullName
        { Start-PgSandbox -SandboxPath $folder -ErrorAction Stop } | Should -ErrorId 'PathInaccessible,*' -Throw (
            "*runs as the user $user, who may not write to the folder $folder.*nothing is left behind*chown $user '$folder'*")
        Get-ChildItem $folder | Should -BeNullOrEmpty
        chown $user $folder
        Start-PgSandbox -SandboxPath $folder -ErrorAction Stop | Stop-PgSandbox
    }

    It 'that lies in a folder which that user may not enter is named, with the command' {
        $closed = (New-Item -ItemType Directory (Join-Path $root 'closed')).FullName
        chmod 700 $closed
        { Start-PgSandbox -SandboxPath "$closed/sandboxes" -ErrorAction Stop } | Should -ErrorId 'PathInaccessible,*' -Throw (
            "*$user, who may not enter the folder $closed on the way to $closed/sandboxes.*chmod o+x '$closed'*")
        chmod o+x $closed
        Start-PgSandbox -SandboxPath "$closed/sandboxes" -ErrorAction Stop | Stop-PgSandbox
    }
}

# The dotnet that fails is a shell script, which Windows does not run.
Describe 'build.ps1' -Skip:$IsWindows {
    It 'leaves the module that was there when the new one does not compile' {
        $clone = (New-Item -ItemType Directory (Join-Path $TestDrive 'clone/module/bin')).Parent.Parent.FullName
        Copy-Item (Join-Path $PgOpsRoot 'build.ps1'), (Join-Path $PgOpsRoot 'PgOps.psd1') $clone
        Set-Content (Join-Path $clone 'module/bin/PgOps.Core.dll') 'the module of the last build'
        $programs = (New-Item -ItemType Directory (Join-Path $TestDrive 'programs')).FullName
        Set-Content (Join-Path $programs 'dotnet') ("#!/bin/sh`n[ `"`$1`" = --version ] && { echo 10.0.100; exit; }`n" +
            "echo 'error CS0103' >&2; exit 1")
        chmod 755 (Join-Path $programs 'dotnet')
        $program, $first = Get-Pwsh
        $path = $env:PATH
        try {
            $env:PATH = "${programs}:$path"
            $said = & (Get-Command $program -CommandType Application).Source @first -File (Join-Path $clone 'build.ps1') 2>&1
        }
        finally { $env:PATH = $path }
        $LASTEXITCODE | Should -Be 1
        "$said" | Should -BeLike '*dotnet publish ended with exit code 1*'
        Get-Content (Join-Path $clone 'module/bin/PgOps.Core.dll') | Should -Be 'the module of the last build'
    }
}
